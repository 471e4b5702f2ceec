/// A `[known.NAME]` table: tests that are known to fail.
package struct KnownFailure: Sendable, Hashable {
  /// A day of the calendar.
  package struct Day: Sendable, Hashable, Comparable, CustomStringConvertible {
    package let year, month, day: Int

    package init(year: Int, month: Int, day: Int) {
      self.year = year
      self.month = month
      self.day = day
    }

    /// Parses `2027-01-31`; nil for anything else, and for a day that no month has.
    package init?(_ text: String) {
      let parts = text.split(separator: "-", omittingEmptySubsequences: false)
      guard parts.count == 3, parts.map(\.utf8.count) == [4, 2, 2],
        parts.allSatisfy({ $0.utf8.allSatisfy { (0x30...0x39).contains($0) } }),
        let year = Int(parts[0]), let month = Int(parts[1]), let day = Int(parts[2]),
        (1...12).contains(month), (1...Self.days(of: month, year)).contains(day)
      else { return nil }
      self.init(year: year, month: month, day: day)
    }

    private static func days(of month: Int, _ year: Int) -> Int {
      let isLeap = year % 4 == 0 && year % 100 != 0 || year % 400 == 0
      return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    package static func < (left: Day, right: Day) -> Bool {
      (left.year, left.month, left.day) < (right.year, right.month, right.day)
    }

    package var description: String {
      func padded(_ number: Int, _ width: Int) -> String {
        let digits = String(number)
        return String(repeating: "0", count: max(0, width - digits.count)) + digits
      }
      return "\(padded(year, 4))-\(padded(month, 2))-\(padded(day, 2))"
    }
  }

  package var name: String
  /// Patterns of whole names as `file / outer / inner`, as fnmatch(3) reads them.
  package var tests: [String]
  package var reason: String
  /// The last day on which the failures are accepted.
  package var until: Day

  package init(name: String, tests: [String], reason: String, until: Day) {
    self.name = name
    self.tests = tests
    self.reason = reason
    self.until = until
  }
}
