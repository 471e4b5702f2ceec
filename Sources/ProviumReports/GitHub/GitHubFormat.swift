import ProviumEvents

/// The Markdown summary of a GitHub Actions job, as a file. Inside GitHub Actions, `GitHubReport` writes it
/// without being asked.
struct GitHubFormat: ReportFormat {
  let name = "github"
  let title = "GitHub summary"

  func sink(to destination: ReportDestination) -> any EventSink {
    RecordedReport { try destination.write(StepSummary(of: $0).text) }
  }
}
