import ProviumEvents

/// The Test Anything Protocol.
struct TAPFormat: ReportFormat {
  let name = "tap"
  let title = "TAP"

  func sink(to destination: ReportDestination) -> any EventSink {
    RecordedReport { try destination.write(TAPDocument(of: $0).text) }
  }
}
