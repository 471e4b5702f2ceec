/// A report that a kernel printed because something is wrong with it.
package struct KernelReport: Sendable, Hashable, Identifiable {
  package enum Kind: String, Sendable, CaseIterable {
    case panic, oops, bug, kasan, ubsan, lockdep, rcuStall, hungTask, lockup, leak, warning
    /// A failed KUnit test.
    case kunit
  }
  /// The identity of a report in this process: two reports with equal text are different reports.
  package struct ID: Sendable, Hashable {
    /// Numbers the scanners of the process: each boot and each resume has its own.
    let scanner: Int
    /// Numbers the reports of one scanner, from 1.
    let number: Int
  }
  package let id: ID
  package let kind: Kind
  /// The line that tells the kind, without its time stamp.
  package let title: String
  /// The report as the console shows it, as far as it was printed and is kept. Source lines may have been added to frames.
  package var lines: [String]

  package var text: String { lines.joined(separator: "\n") }
}
