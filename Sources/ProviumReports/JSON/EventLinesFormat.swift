import ProviumEvents

/// All events, one JSON object a line (`Docs/Events.md`).
struct EventLinesFormat: ReportFormat {
  let name = "json"
  let title = "JSON lines"

  func sink(to destination: ReportDestination) throws -> any EventSink {
    try EventLinesReport(to: destination)
  }
}
