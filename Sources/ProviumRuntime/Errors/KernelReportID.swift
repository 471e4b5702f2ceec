/// The identity of a kernel report in this process: two reports with equal text are different reports.
package struct KernelReportID: Sendable, Hashable {
  /// Numbers the consoles of the process.
  let console: Int
  /// Numbers the reports of one console.
  let number: Int
}
