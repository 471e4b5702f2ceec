import ProviumEvents

/// One HTML page that needs no other file.
struct HTMLFormat: ReportFormat {
  let name = "html"
  let title = "HTML"

  func sink(to destination: ReportDestination) -> any EventSink {
    RecordedReport { try destination.write(HTMLPage(of: $0).text) }
  }
}
