internal import CLinux
import Glibc
import ProviumSystem

/// The way of a frame from its arrival to its delivery.
extension SwitchCore {
  /// Receives and forwards what a socket holds, at most one batch.
  func receive(from number: PortNumber, now: UInt64, hasEnded: Bool) {
    let port = ports[number.index]
    guard port.socket >= 0 else { return }
    present = now
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
    flush()
    sendReplies(now: now)
    // At the end of a connection each packet has no bytes. A guest can send such a packet too.
    if hasEnded, emptyFrames == Int(count) { disconnect(port) }
  }

  /// Forwards a frame that a station sends.
  func send(_ frame: [UInt8], from number: PortNumber, now: UInt64) {
    let port = ports[number.index]
    present = now
    frame.withUnsafeBytes { bytes in
      guard let start = bytes.baseAddress else { return }
      forward(start, length: UInt32(clamping: bytes.count), from: port, now: now)
      flush()
    }
    sendReplies(now: now)
  }

  func sendReplies(now: UInt64) {
    var handled = 0
    while handled < replies.count, handled < Self.mostReplies {
      let reply = replies[handled]
      handled += 1
      reply.frame.withUnsafeBytes { bytes in
        guard let start = bytes.baseAddress else { return }
        forward(start, length: UInt32(clamping: bytes.count), from: ports[reply.from.index], now: now)
        flush()
      }
    }
    // Stations that answer each other without end must not stop the switch.
    if !replies.isEmpty { replies.removeAll(keepingCapacity: true) }
  }

  func forward(_ frame: UnsafeRawPointer, length: UInt32, from port: SwitchPort, now: UInt64) {
    guard length != .max, length <= FrameSize.largest else { return port.counts[.oversized] += 1 }
    guard length >= FrameSize.header else { return port.counts[.runt] += 1 }
    let length = Int(length)
    port.counts.received += 1
    port.counts.receivedBytes += length
    let source = MACAddress(at: frame + MACAddress.size)
    if source != port.address { port.counts.foreign += 1 }
    if !source.isMulticast { table.learn(source, at: port.number) }
    record(frame, length, port, .received)
    let destination = MACAddress(at: frame)
    if !destination.isMulticast, let number = table.port(of: destination) {
      if number != port.number { pass(frame, length, from: port, to: ports[number.index], now: now) }
      return
    }
    for other in ports where other !== port { pass(frame, length, from: port, to: other, now: now) }
  }

  /// Hands a frame to the receiver, or to what its direction does with it.
  func pass(
    _ frame: UnsafeRawPointer,
    _ length: Int,
    from: SwitchPort,
    to: SwitchPort,
    now: UInt64
  ) {
    if isPlain { return deliver(frame, length, to: to) }
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

  func drop(
    _ cause: DropCause,
    _ frame: UnsafeRawPointer,
    _ length: Int,
    _ port: SwitchPort,
    number: UInt64? = nil
  ) {
    port.counts[cause] += 1
    record(frame, length, port, .dropped(cause), number: number)
  }

  private func record(
    _ frame: UnsafeRawPointer,
    _ length: Int,
    _ port: SwitchPort,
    _ event: FrameEvent,
    number: UInt64? = nil
  ) {
    recent.add(frame, length, port: port.number, event, number: number, at: present)
    capture?.add(
      frame,
      length,
      interface: port.number,
      isInbound: event == .received,
      comment: event.comment(frame: number)
    )
  }

  /// Delivers the frames whose time has come.
  func releaseDelayed(now: UInt64) {
    present = now
    while let entry = delayed.pop(until: now) {
      // The direction may be a new one, which has not counted this frame.
      if entry.isRated, let direction = directions[DirectionKey(from: entry.from, to: entry.to)] {
        direction.waiting = max(0, direction.waiting - 1)
      }
      deliver(entry.frame.memory, entry.frame.length, to: ports[entry.to.index])
      flush()
      pool.giveBack(entry.frame)
    }
    sendReplies(now: now)
  }

  func deliver(_ frame: UnsafeRawPointer, _ length: Int, to port: SwitchPort) {
    record(frame, length, port, .sent)
    output(frame, length, to: port)
  }
}
