import ProviumVM

/// A kernel report with its identity.
struct FoundReport {
  let id: KernelReportID
  let report: KernelReport
}
