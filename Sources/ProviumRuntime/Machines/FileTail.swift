package import ProviumAgentClient
package import ProviumSystem

/// A file of the guest that is read as it grows. Belongs to its scope's thread.
///
/// The file is opened anew for each look, so that it may be created later. A file that is shorter than what was read, because it
/// was truncated or replaced, is read again from its beginning.
package final class FileTail {
  package let path: ByteString
  package let buffer = StreamBuffer()
  package let machine: Machine
  private let worker: Worker?
  private var offset: UInt64 = 0

  private static let piece = 256 << 10
  /// The time between two looks.
  private static let pause = Duration.milliseconds(20)

  package init(_ path: ByteString, of machine: Machine, worker: Worker?) {
    self.path = path
    self.machine = machine
    self.worker = worker
  }

  /// Reads into the buffer. Blocks until something has come, or `deadline`.
  package func read(until deadline: Deadline) throws {
    while true {
      let bytes = try next()
      guard bytes.isEmpty else {
        offset += UInt64(bytes.count)
        bytes.withUnsafeBytes { buffer.append($0) }
        return
      }
      guard !deadline.isExpired, !machine.context.cancellation.isRequested,
        !machine.context.limits.deadline.isExpired
      else { return }
      machine.context.sleep(min(Self.pause, deadline.remaining))
    }
  }

  private func next() throws -> [UInt8] {
    do {
      let bytes = try perform { try $0.readFile(path, from: offset, count: Self.piece, until: $1) }
      if bytes.isEmpty, offset > 0, try perform({ try $0.stat(path, until: $1) }).size < offset { offset = 0 }
      return bytes
    } catch let error as ProviumError {
      guard case GuestError.refused(let errno, _)? = error.cause as? GuestError, errno.name == "ENOENT" else {
        throw error
      }
      offset = 0
      return []
    }
  }

  private func perform<Value>(_ operation: (AgentConnection, Deadline) throws -> Value) throws -> Value {
    let what = "following \(path)"
    guard let worker else { return try machine.perform(what, allowance: .zero, operation) }
    return try machine.perform(what, on: worker, allowance: .zero, operation)
  }
}
