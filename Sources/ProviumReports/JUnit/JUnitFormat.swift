import ProviumEvents

/// JUnit XML.
struct JUnitFormat: ReportFormat {
  let name = "junit"
  let title = "JUnit"

  func sink(to destination: ReportDestination) -> any EventSink {
    RecordedReport { try destination.write(JUnitDocument(of: $0).text) }
  }
}
