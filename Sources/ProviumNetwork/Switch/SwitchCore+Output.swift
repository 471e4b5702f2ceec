internal import CLinux
import Glibc
import ProviumSystem

/// Handing frames to the owners of ports. Frames for one socket are collected and sent by one call.
extension SwitchCore {
  func output(_ frame: UnsafeRawPointer, _ length: Int, to port: SwitchPort) {
    if let station = port.station {
      port.counts.sent += 1
      port.counts.sentBytes += length
      let bytes = [UInt8](UnsafeRawBufferPointer(start: frame, count: length))
      if replies.count < Self.mostReplies {
        for reply in station.receive(bytes) { replies.append((port.number, reply)) }
      }
      return
    }
    guard port.socket >= 0 else { return port.counts[.disconnected] += 1 }
    guard port.queue.count == 0 else { return enqueue(frame, length, port) }
    if runPort !== port || runCount == Self.batch { flush() }
    runPort = port
    run[runCount] = frame
    runLengths[runCount] = UInt32(length)
    runCount += 1
  }

  /// Sends the frames that were collected for one socket. What it does not take goes into its queue.
  func flush() {
    guard let port = runPort else { return }
    var done = 0
    while done < runCount {
      let sent =
        port.socket < 0
        ? -EPIPE : clinux_send_frames(port.socket, run + done, runLengths + done, Int32(runCount - done))
      if sent > 0 {
        for index in done..<(done + Int(sent)) { port.counts.sentBytes += Int(runLengths[index]) }
        port.counts.sent += Int(sent)
        done += Int(sent)
        continue
      }
      if sent == -EINTR { continue }
      guard let frame = run[done] else { break }
      switch sent {
      case -EAGAIN, -ENOBUFS, -ENOMEM: enqueue(frame, Int(runLengths[done]), port)
      case -EMSGSIZE: port.counts[.oversized] += 1
      default:
        port.counts[.disconnected] += 1
        disconnect(port)
      }
      done += 1
      // The order of the frames is kept: the rest follows the one that waits.
      while port.queue.count > 0, done < runCount, let frame = run[done] {
        enqueue(frame, Int(runLengths[done]), port)
        done += 1
      }
    }
    runCount = 0
    runPort = nil
  }

  private func enqueue(_ frame: UnsafeRawPointer, _ length: Int, _ port: SwitchPort) {
    guard !port.queue.isFull else { return port.counts[.receiverQueue] += 1 }
    guard let copy = pool.copy(frame, length) else { return port.counts[.memory] += 1 }
    port.queue.append(copy)
    if port.queue.count == 1 { generation += 1 }
  }

  /// Sends frames that waited for a socket.
  func drainQueue(of number: PortNumber) {
    let port = ports[number.index]
    while let frame = port.queue.first {
      var start: UnsafeRawPointer? = UnsafeRawPointer(frame.memory)
      var length = UInt32(frame.length)
      let sent = clinux_send_frames(port.socket, &start, &length, 1)
      if sent == -EINTR { continue }
      if sent == -EAGAIN || sent == -ENOBUFS || sent == -ENOMEM { return }
      if sent == 1 {
        port.counts.sent += 1
        port.counts.sentBytes += frame.length
      } else if sent == -EMSGSIZE {
        port.counts[.oversized] += 1
      } else {
        return disconnect(port)
      }
      if let first = port.queue.popFirst() { pool.giveBack(first) }
    }
    generation += 1
  }
}
