import ProviumAgentClient
package import ProviumSystem
import ProviumVM

/// Gathers one part of what is known about a VM of a failed test, between the failure and the VM's end.
package protocol FailureCollector: Sendable {
  /// The heading in reports: `kernel log`.
  var title: String { get }

  /// Gathers lines from a VM whose agent answers. No lines: there is nothing to show.
  /// - Parameter deadline: the operations must end until then.
  func collect(from guest: FailedGuest, until deadline: Deadline) throws -> [String]
}

/// The VM of a failed test, as collectors see it: the operations on it are in no trace.
package struct FailedGuest {
  private let connection: AgentConnection
  private let frames: (Int) -> [String]

  /// - Parameter frames: returns the last frames of each network device, at most as many as its argument says.
  init(_ connection: AgentConnection, frames: @escaping (Int) -> [String]) {
    self.connection = connection
    self.frames = frames
  }

  /// The last frames from and to each network device in words, the oldest first, at most `most` for each.
  package func networkFrames(_ most: Int) -> [String] { frames(most) }

  /// Reads a file of the guest, at most 256 KiB.
  package func read(_ path: String, until deadline: Deadline) throws -> String {
    String(
      decoding: try connection.readFile(ByteString(path), limit: 256 << 10, until: deadline),
      as: UTF8.self
    )
  }

  /// The guest's kernel log.
  package func kernelLog(until deadline: Deadline) throws -> String {
    String(decoding: try connection.kernelLog(limit: 4 << 20, until: deadline), as: UTF8.self)
  }

  /// Runs a line of shell in the guest.
  /// - Returns: its standard output; it may be cut.
  package func shell(_ line: String, until deadline: Deadline) throws -> String {
    let options = CommandOptions(timeout: deadline.remaining)
    return String(
      decoding: try connection.exec(ByteString(line), options, until: deadline).standardOutput.bytes,
      as: UTF8.self
    )
  }
}
