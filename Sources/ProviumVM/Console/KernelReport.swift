/// A report that a kernel printed because something is wrong with it.
package struct KernelReport: Sendable, Hashable {
  package enum Kind: String, Sendable, CaseIterable {
    case panic, oops, bug, kasan, ubsan, lockdep, rcuStall, hungTask, lockup, leak, warning
  }
  /// Counts the reports of one console, from 1.
  package let number: Int
  package let kind: Kind
  /// The line that says what it is, without its time stamp.
  package let title: String
  /// The report as the console shows it, as far as it was printed and is kept.
  package internal(set) var lines: [String]

  package var text: String { lines.joined(separator: "\n") }
}
