import Glibc
import ProviumSystem
import Synchronization

/// The serial console of a running VM: reads its socket into its log, and passes each complete line on. Thread-safe.
final class Console: Sendable {
  let log: ConsoleLog
  private let socket: Descriptor
  private let receiver: @Sendable (String) -> Void
  /// Held from a read to the end of the lines' receiver, so that lines keep their order whoever reads.
  private let turn = Mutex<Void>(())

  private static let readSize = 32768

  /// Takes ownership of the connected socket.
  /// - Parameter receiver: called with each line, on the thread that reads. One call at a time.
  init(_ socket: consuming Descriptor, log: ConsoleLog, receiver: @escaping @Sendable (String) -> Void) {
    self.log = log
    self.receiver = receiver
    self.socket = socket
  }

  /// To wait for before `read`.
  var descriptor: Int32 { socket.raw }

  /// Reads what has arrived, at most 32 KiB, without blocking.
  /// - Parameter waiting: the result when there are no bytes but the connection is open.
  /// - Returns: whether there can be more.
  @discardableResult
  func read(waiting: Bool = true) -> Bool {
    turn.withLock { _ in
      SocketRead.now(socket.raw, size: Self.readSize, waiting: waiting) { bytes in
        for line in log.append(bytes) { receiver(line) }
      }
    }
  }

  /// Writes to the guest's serial port. Blocks while the guest does not read.
  /// - Returns: how many bytes were written before the deadline.
  func write(_ bytes: [UInt8], until deadline: Deadline) throws -> Int {
    var done = 0
    while done < bytes.count {
      let count = bytes.withUnsafeBytes {
        send(
          socket.raw,
          $0.baseAddress.map { $0 + done },
          bytes.count - done,
          Int32(MSG_NOSIGNAL | MSG_DONTWAIT)
        )
      }
      if count > 0 {
        done += count
      } else if errno == EAGAIN {
        var interests = [Readiness.Interest.write(socket.raw)]
        guard try Readiness.wait(&interests, until: deadline) else { return done }
      } else if errno != EINTR {
        throw SystemError("write to", "the serial console")
      }
    }
    return done
  }

  /// Reads what the console has shown up to this moment and no more: a guest can print without end.
  func catchUp() {
    let reads = (SocketRead.waiting(socket.raw) + Self.readSize - 1) / Self.readSize
    for _ in 0..<reads where !read(waiting: false) { break }
    // Another thread may have read the bytes, and be passing the lines on.
    turn.withLock { _ in }
  }
}
