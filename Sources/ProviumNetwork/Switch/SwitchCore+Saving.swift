internal import CLinux
import ProviumSystem

/// Saving and restoring. Between the two the VMs of all ports are stopped.
extension SwitchCore {
  /// The impairments, with what they have decided so far.
  var saved: SavedSwitch {
    var saved = SavedSwitch()
    saved.common = common
    saved.directions = directions.filter(\.value.isOwn).map { key, direction in
      SavedSwitch.SavedDirection(from: key.from, to: key.to, source: direction.source)
    }.sorted { ($0.from, $0.to) < ($1.from, $1.to) }
    if isPartitioned {
      let groups = Set(ports.map(\.group)).subtracting([0]).sorted()
      saved.groups = groups.map { group in ports.filter { $0.group == group }.map(\.number) }
    }
    saved.rules = rules.map(\.saved)
    return saved
  }

  /// - Returns: false for a state that names ports which do not exist; nothing is changed then.
  func restore(_ saved: SavedSwitch) -> Bool {
    let named =
      saved.directions.flatMap { [$0.from, $0.to] } + saved.groups.flatMap { $0 }
      + saved.rules.flatMap { [$0.from, $0.to].compactMap { $0 } }
    guard named.allSatisfy({ ports.indices.contains($0.index) }) else { return false }
    directions.removeAll()
    removeRules()
    setCommon(saved.common)
    for direction in saved.directions { add(direction) }
    partition(saved.groups)
    for rule in saved.rules { add(DropRule(rule)) }
    return true
  }

  /// Takes all frames that are on their way out of the switch, after it has forwarded all that came in.
  /// - Parameter ends: the VMs' ends of their sockets, in which frames wait that a stopped VM does not read.
  func takeFramesInFlight(ends: [PortNumber: Int32], now: UInt64) -> [FrameInFlight] {
    for port in ports where port.socket >= 0 {
      var before = -1
      while port.counts.arrived != before {
        before = port.counts.arrived
        receive(from: port.number, now: now, hasEnded: false)
      }
    }
    var frames: [FrameInFlight] = []
    func add(_ memory: UnsafeRawPointer, _ length: Int, from: PortNumber, to: PortNumber, delay: UInt64) {
      let bytes = [UInt8](UnsafeRawBufferPointer(start: memory, count: length))
      frames.append(FrameInFlight(from: from, to: to, delay: delay, bytes: bytes))
    }
    for port in ports {
      if let end = ends[port.number] {
        readAll(end) { add($0, $1, from: port.number, to: port.number, delay: 0) }
      }
      while let frame = port.queue.popFirst() {
        add(frame.memory, frame.length, from: port.number, to: port.number, delay: 0)
        giveBack(frame)
      }
    }
    while let entry = popDelayed(until: .max) {
      let delay = entry.time - min(entry.time, now)
      add(entry.frame.memory, entry.frame.length, from: entry.from, to: entry.to, delay: delay)
      giveBack(entry.frame)
    }
    return frames
  }

  /// Delivers frames that were taken by `takeFramesInFlight`.
  func deliver(_ frames: [FrameInFlight], now: UInt64) {
    for frame in frames where ports.indices.contains(frame.to.index) {
      frame.bytes.withUnsafeBytes { bytes in
        guard let start = bytes.baseAddress else { return }
        deliverLater(start, bytes.count, from: frame.from, to: frame.to, after: frame.delay, now: now)
      }
    }
  }

  private func popDelayed(until now: UInt64) -> DelayQueue.Entry? { delayed.pop(until: now) }
  private func giveBack(_ frame: FramePool.Frame) { pool.giveBack(frame) }

  /// Takes all packets that a socket holds.
  private func readAll(_ socket: Int32, _ body: (UnsafeRawPointer, Int) -> Void) {
    while true {
      let count = clinux_receive_frames(socket, received, Self.slot, Int32(Self.batch), lengths)
      guard count > 0 else { return }
      for index in 0..<Int(count) where lengths[index] <= FrameSize.largest && lengths[index] > 0 {
        body(received + index * Self.slot, Int(lengths[index]))
      }
    }
  }

  /// Delivers a frame to a port after a time in nanoseconds. Nothing else happens to it.
  private func deliverLater(
    _ frame: UnsafeRawPointer,
    _ length: Int,
    from: PortNumber,
    to: PortNumber,
    after delay: UInt64,
    now: UInt64
  ) {
    let port = ports[to.index]
    present = now
    guard delay > 0 else {
      deliver(frame, length, to: port)
      return flush()
    }
    guard !delayed.isFull, let copy = pool.copy(frame, length) else {
      return drop(.memory, frame, length, port)
    }
    delayed.add(copy, at: now + delay, from: from, to: to, isRated: false)
  }
}
