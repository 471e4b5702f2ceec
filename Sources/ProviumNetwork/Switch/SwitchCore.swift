internal import CLinux
import Glibc
import ProviumSystem

/// The state of a switch and what it does with a frame. Knows no threads: the owner calls it from one thread at a time, with
/// the present time.
///
/// A frame is handled in the memory that it was received in. It is copied only where it must wait.
final class SwitchCore {
  private(set) var ports: [SwitchPort] = []
  private var table = MACTable()
  private let pool = FramePool()
  private var delayed = DelayQueue()
  /// By sender and receiver.
  private(set) var directions: [DirectionKey: Direction] = [:]
  private(set) var common: Impairment?
  private(set) var rules: [DropRule] = []
  private(set) var isPartitioned = false
  var capture: PacketCapture?
  /// Grows when the sockets to wait for change.
  private(set) var generation = 0

  struct DirectionKey: Hashable {
    let from: PortNumber
    let to: PortNumber
  }

  private static let batch = Int(CLINUX_FRAMES)
  private static let slot = FrameSize.largest + 1
  private let received = UnsafeMutableRawPointer.allocate(byteCount: batch * slot, alignment: 64)
  private let lengths = UnsafeMutablePointer<UInt32>.allocate(capacity: batch)
  /// Frames for one socket that are sent by one call.
  private let run = UnsafeMutablePointer<UnsafeRawPointer?>.allocate(capacity: batch)
  private let runLengths = UnsafeMutablePointer<UInt32>.allocate(capacity: batch)
  private var runCount = 0
  private var runPort: SwitchPort?
  /// Frames that stations have sent while a frame was handled.
  private var replies: [(from: PortNumber, frame: [UInt8])] = []
  private static let mostReplies = 1024

  deinit {
    received.deallocate()
    lengths.deallocate()
    run.deallocate()
    runLengths.deallocate()
  }

  /// The time of the next frame that waits: nanoseconds of the monotonic clock.
  var nextTime: UInt64? { delayed.nextTime }

  // MARK: Ports

  func addPort(name: String, address: MACAddress, station: Station?) -> PortNumber {
    let number = PortNumber(ports.count + 1)
    ports.append(SwitchPort(number: number, name: name, address: address, station: station))
    table.learn(address, at: number)
    capture?.addInterface(name)
    return number
  }

  /// Connects a VM.
  /// - Parameter discardingOld: whether frames that its socket holds already are discarded.
  func connect(_ number: PortNumber, _ descriptor: consuming Descriptor, discardingOld: Bool) {
    let port = ports[number.index]
    disconnect(port)
    let socket = descriptor.raw
    if discardingOld {
      while clinux_receive_frames(socket, received, Self.slot, Int32(Self.batch), lengths) > 0 {}
    }
    port.connect(descriptor)
    table.learn(port.address, at: number)
    generation += 1
  }

  func disconnect(_ number: PortNumber) { disconnect(ports[number.index]) }

  private func disconnect(_ port: SwitchPort) {
    while let frame = port.queue.popFirst() { pool.giveBack(frame) }
    if port.disconnect() { generation += 1 }
  }

  // MARK: Impairments

  /// Sets what all directions without impairments of their own do; nil: nothing.
  func setCommon(_ impairment: Impairment?) {
    common = impairment
    directions = directions.filter { $0.value.isOwn }
  }

  /// Sets what one direction does, and counts its frames from 1 again; nil: what all directions do.
  func set(_ impairment: Impairment?, from: PortNumber, to: PortNumber) {
    let key = DirectionKey(from: from, to: to)
    directions[key] = impairment.map { Direction(FateSource($0, from: from, to: to), isOwn: true) }
  }

  /// Continues a direction that was saved.
  func add(_ saved: SavedSwitch.SavedDirection) {
    directions[DirectionKey(from: saved.from, to: saved.to)] = Direction(saved.source, isOwn: true)
  }

  /// Ports of different groups cannot reach each other; ports of no group reach all.
  func partition(_ groups: [[PortNumber]]) {
    for port in ports { port.group = 0 }
    for (index, group) in groups.enumerated() {
      for number in group { ports[number.index].group = index + 1 }
    }
    isPartitioned = !groups.isEmpty
  }

  func add(_ rule: DropRule) { rules.append(rule) }
  func removeRules() { rules.removeAll() }

  private var isPlain: Bool {
    directions.isEmpty && common == nil && rules.isEmpty && !isPartitioned && capture == nil
  }

  private func direction(_ from: PortNumber, _ to: PortNumber) -> Direction? {
    let key = DirectionKey(from: from, to: to)
    if let known = directions[key] { return known }
    guard let common else { return nil }
    let new = Direction(FateSource(common, from: from, to: to), isOwn: false)
    directions[key] = new
    return new
  }

  // MARK: Frames

  /// Receives and forwards what a socket holds, at most one batch.
  func receive(from number: PortNumber, now: UInt64, hasEnded: Bool) {
    let port = ports[number.index]
    guard port.socket >= 0 else { return }
    let count = clinux_receive_frames(port.socket, received, Self.slot, Int32(Self.batch), lengths)
    guard count > 0 else {
      if count != -EAGAIN && count != -EINTR { disconnect(port) }
      return
    }
    var emptyFrames = 0
    for index in 0..<Int(count) {
      if lengths[index] == 0 { emptyFrames += 1 }
      forward(received + index * Self.slot, length: lengths[index], from: port, now: now)
    }
    flush(now: now)
    sendReplies(now: now)
    // At the end of a connection each packet has no bytes. A guest can send such a packet too.
    if hasEnded, emptyFrames == Int(count) { disconnect(port) }
  }

  /// Forwards a frame that a station sends.
  func send(_ frame: [UInt8], from number: PortNumber, now: UInt64) {
    let port = ports[number.index]
    frame.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      forward(start, length: UInt32(clamping: bytes.count), from: port, now: now)
      flush(now: now)
    }
    sendReplies(now: now)
  }

  private func sendReplies(now: UInt64) {
    var handled = 0
    while handled < replies.count, handled < Self.mostReplies {
      let reply = replies[handled]
      handled += 1
      reply.frame.withUnsafeBytes { bytes in
        guard let start = bytes.baseAddress else { return }
        forward(start, length: UInt32(clamping: bytes.count), from: ports[reply.from.index], now: now)
        flush(now: now)
      }
    }
    // Stations that answer each other without end must not stop the switch.
    if !replies.isEmpty { replies.removeAll(keepingCapacity: true) }
  }

  private func forward(_ frame: UnsafeRawPointer, length: UInt32, from port: SwitchPort, now: UInt64) {
    guard length != .max, length <= FrameSize.largest else { return port.counts[.oversized] += 1 }
    guard length >= FrameSize.header else { return port.counts[.runt] += 1 }
    let length = Int(length)
    port.counts.received += 1
    port.counts.receivedBytes += length
    let source = MACAddress(at: frame + MACAddress.size)
    if source != port.address { port.counts.foreign += 1 }
    if !source.isMulticast { table.learn(source, at: port.number) }
    capture?.add(frame, length, interface: port.number, isInbound: true, comment: nil)
    let destination = MACAddress(at: frame)
    if !destination.isMulticast, let number = table.port(of: destination) {
      if number != port.number { pass(frame, length, from: port, to: ports[number.index], now: now) }
      return
    }
    for other in ports where other !== port { pass(frame, length, from: port, to: other, now: now) }
  }

  /// Hands a frame to the receiver, or to what its direction does with it.
  private func pass(
    _ frame: UnsafeRawPointer,
    _ length: Int,
    from: SwitchPort,
    to: SwitchPort,
    now: UInt64
  ) {
    if isPlain { return output(frame, length, to: to) }
    if isPartitioned, from.group != 0, to.group != 0, from.group != to.group {
      return drop(.partitioned, frame, length, to)
    }
    for rule in rules where rule.drops(from: from.number, to: to.number, frame, length) {
      return drop(.matched, frame, length, to)
    }
    guard let direction = direction(from.number, to.number) else { return deliver(frame, length, to: to) }
    let fate = direction.source.next(length: length)
    if let cause = fate.drop { return drop(cause, frame, length, to, number: direction.source.ordinal) }
    guard let time = direction.delivery(of: length, fate, now: now) else {
      return drop(.rateQueue, frame, length, to, number: direction.source.ordinal)
    }
    for _ in 0..<(fate.isDuplicated ? 2 : 1) {
      if time <= now, fate.invertedBit == nil {
        deliver(frame, length, to: to)
        continue
      }
      guard !delayed.isFull, let copy = pool.copy(frame, length) else {
        drop(.memory, frame, length, to)
        continue
      }
      if let bit = fate.invertedBit {
        let place = copy.memory + bit / 8
        place.storeBytes(of: place.load(as: UInt8.self) ^ UInt8(0x80) >> UInt8(bit % 8), as: UInt8.self)
      }
      let isRated = direction.source.impairment.rate != nil
      if isRated { direction.waiting += 1 }
      delayed.add(copy, at: time, from: from.number, to: to.number, isRated: isRated)
    }
  }

  private func drop(
    _ cause: DropCause,
    _ frame: UnsafeRawPointer,
    _ length: Int,
    _ port: SwitchPort,
    number: UInt64? = nil
  ) {
    port.counts[cause] += 1
    capture?.add(
      frame,
      length,
      interface: port.number,
      isInbound: false,
      comment: "dropped: \(cause.rawValue)" + (number.map { " (frame \($0))" } ?? "")
    )
  }

  /// Delivers the frames whose time has come.
  func releaseDelayed(now: UInt64) {
    while let entry = delayed.pop(until: now) {
      // The direction may be a new one, which has not counted this frame.
      if entry.isRated, let direction = directions[DirectionKey(from: entry.from, to: entry.to)] {
        direction.waiting = max(0, direction.waiting - 1)
      }
      deliver(entry.frame.memory, entry.frame.length, to: ports[entry.to.index])
      flush(now: now)
      pool.giveBack(entry.frame)
    }
    sendReplies(now: now)
  }

  private func deliver(_ frame: UnsafeRawPointer, _ length: Int, to port: SwitchPort) {
    capture?.add(frame, length, interface: port.number, isInbound: false, comment: nil)
    output(frame, length, to: port)
  }

  // MARK: Frames of a network that is saved or resumed

  func popDelayed(until now: UInt64) -> DelayQueue.Entry? { delayed.pop(until: now) }
  func giveBack(_ frame: FramePool.Frame) { pool.giveBack(frame) }

  /// Takes all packets that a socket holds.
  func readAll(_ socket: Int32, _ body: (UnsafeRawPointer, Int) -> Void) {
    while true {
      let count = clinux_receive_frames(socket, received, Self.slot, Int32(Self.batch), lengths)
      guard count > 0 else { return }
      for index in 0..<Int(count) where lengths[index] <= FrameSize.largest && lengths[index] > 0 {
        body(received + index * Self.slot, Int(lengths[index]))
      }
    }
  }

  /// Delivers a frame to a port after a time in nanoseconds. Nothing else happens to it.
  func deliverLater(
    _ frame: UnsafeRawPointer,
    _ length: Int,
    from: PortNumber,
    to: PortNumber,
    after delay: UInt64,
    now: UInt64
  ) {
    let port = ports[to.index]
    guard delay > 0 else {
      deliver(frame, length, to: port)
      return flush(now: now)
    }
    guard !delayed.isFull, let copy = pool.copy(frame, length) else {
      return drop(.memory, frame, length, port)
    }
    delayed.add(copy, at: now + delay, from: from, to: to, isRated: false)
  }

  // MARK: Output

  private func output(_ frame: UnsafeRawPointer, _ length: Int, to port: SwitchPort) {
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
    if runPort !== port || runCount == Self.batch { flush(now: 0) }
    runPort = port
    run[runCount] = frame
    runLengths[runCount] = UInt32(length)
    runCount += 1
  }

  /// Sends the frames that were collected for one socket. What it does not take goes into its queue.
  private func flush(now: UInt64) {
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
