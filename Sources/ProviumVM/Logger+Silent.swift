package import Logging

extension Logger {
  /// The logger that drops everything.
  package static let silent = Logger(label: "silent", factory: { _ in SwiftLogNoOpLogHandler() })
}
