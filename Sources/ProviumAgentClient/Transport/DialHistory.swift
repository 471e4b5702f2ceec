import ProviumSystem

/// How the attempts to connect to an agent ended, for the error of a guest that does not answer. One thread uses it.
final class DialHistory {
  private var refused = 0
  private var lastRefusal: Errno?
  private var cut = 0
  private var silent = 0

  /// An attempt that made no connection.
  func noteRefusal(_ errno: Errno) {
    refused += 1
    lastRefusal = errno
  }

  /// A connection that ended before the agent had answered.
  func noteCut() { cut += 1 }

  /// A connection that was given up because nothing came.
  func noteSilence() { silent += 1 }

  /// ` (2 connections were silent; 57 attempts to connect failed, the last with ETIMEDOUT)`; empty before an attempt has ended.
  var summary: String {
    var parts: [String] = []
    if silent > 0 { parts.append("\(Self.connections(silent)) silent") }
    if cut > 0 { parts.append("\(Self.connections(cut)) cut") }
    if let lastRefusal {
      parts.append(
        "\(refused) attempt\(refused == 1 ? "" : "s") to connect failed, the last with \(lastRefusal.name)"
      )
    }
    return parts.isEmpty ? "" : " (\(parts.joined(separator: "; ")))"
  }

  private static func connections(_ count: Int) -> String {
    count == 1 ? "1 connection was" : "\(count) connections were"
  }
}
