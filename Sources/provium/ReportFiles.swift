import ProviumEvents
import ProviumReports
import ProviumRuntime
import ProviumSystem

/// The reports that were asked for.
enum ReportFiles {
  static func sinks(_ options: ReportOptions) throws -> [any EventSink] {
    []
  }
}
