import ProviumAgentClient
import ProviumSystem

extension ByteString {
  /// The first line, cut to 60 characters, for activities.
  var brief: String {
    let line = description.split(separator: "\n").first.map { String($0).trimmed } ?? ""
    return line.count > 60 ? line.prefix(59) + "…" : line
  }
}
