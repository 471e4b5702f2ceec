import Glibc
import ProviumSystem

/// The socket of one client: whole pieces of bytes in, whole pieces out. Belongs to the server's thread.
final class NBDConnection {
  /// The client closed the connection, or the connection failed.
  struct Ended: Error {}

  private let socket: Int32
  private var buffer = [UInt8](repeating: 0, count: 65536)
  private var start = 0
  private var end = 0

  init(_ socket: Int32) { self.socket = socket }

  /// Whether the next `read` has bytes already.
  var hasBuffered: Bool { start < end }

  /// Returns exactly `count` bytes. Blocks.
  func read(_ count: Int) throws(Ended) -> [UInt8] {
    if count <= buffer.count {
      while end - start < count { try fill() }
      defer { start += count }
      return Array(buffer[start..<start + count])
    }
    var result = [UInt8](repeating: 0, count: count)
    let isWhole = result.withUnsafeMutableBytes { readAll(into: $0) }
    guard isWhole else { throw Ended() }
    return result
  }

  /// Fills `target`. Blocks.
  func read(into target: UnsafeMutableRawBufferPointer) throws(Ended) {
    guard readAll(into: target) else { throw Ended() }
  }

  private func fill() throws(Ended) {
    if start == end { (start, end) = (0, 0) }
    if start > 0, end == buffer.count {
      buffer.withUnsafeMutableBytes { bytes in
        bytes.copyMemory(from: UnsafeRawBufferPointer(rebasing: bytes[start..<end]))
      }
      (start, end) = (0, end - start)
    }
    let count = buffer.withUnsafeMutableBytes { receive(UnsafeMutableRawBufferPointer(rebasing: $0[end...])) }
    guard count > 0 else { throw Ended() }
    end += count
  }

  /// Takes what is buffered, and receives the rest into the target itself.
  private func readAll(into target: UnsafeMutableRawBufferPointer) -> Bool {
    var filled = min(end - start, target.count)
    buffer.withUnsafeBytes {
      target.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[start..<start + filled]))
    }
    start += filled
    while filled < target.count {
      let got = receive(UnsafeMutableRawBufferPointer(rebasing: target[filled...]))
      guard got > 0 else { return false }
      filled += got
    }
    return true
  }

  /// Returns how many bytes came; 0 or less at the end of the connection.
  private func receive(_ target: UnsafeMutableRawBufferPointer) -> Int {
    while true {
      let count = recv(socket, target.baseAddress, target.count, 0)
      if count >= 0 || errno != EINTR { return count }
    }
  }

  func send(_ bytes: [UInt8]) throws(Ended) {
    let isSent = bytes.withUnsafeBytes { sendAll($0) }
    guard isSent else { throw Ended() }
  }

  func send(_ bytes: UnsafeRawBufferPointer) throws(Ended) {
    guard sendAll(bytes) else { throw Ended() }
  }

  private func sendAll(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var done = 0
    while done < bytes.count {
      let rest = UnsafeRawBufferPointer(rebasing: bytes[done...])
      let count = Glibc.send(socket, rest.baseAddress, rest.count, Int32(MSG_NOSIGNAL))
      if count < 0 {
        if errno == EINTR { continue }
        return false
      }
      done += count
    }
    return true
  }

  /// Blocks until there are bytes, or until a time of `Deadline.now`. Returns whether there are bytes.
  func waitForBytes(until due: UInt64) -> Bool {
    if hasBuffered { return true }
    return (try? Readiness.waitReadable(socket, until: Deadline(nanoseconds: due))) ?? true
  }
}
