import ProviumSystem

/// The last frames of a network, of which the first bytes are kept. A frame costs one copy and no allocation. Belongs to the
/// switch.
final class RecentFrames {
  static let capacity = 1024
  /// Bytes of each frame that are kept: all headers, and the beginning of what they carry.
  static let kept = 256

  private struct Entry {
    var time: UInt64 = 0
    var length = 0
    var port = PortNumber(1)
    var event = FrameEvent.received
    /// Of the frame in its direction.
    var number: UInt64?
  }
  private let memory = UnsafeMutableRawPointer.allocate(byteCount: capacity * kept, alignment: 64)
  private var entries = [Entry](repeating: Entry(), count: capacity)
  /// All frames that were ever added.
  private var count = 0

  deinit { memory.deallocate() }

  /// - Parameter time: nanoseconds of the monotonic clock.
  func add(
    _ frame: UnsafeRawPointer,
    _ length: Int,
    port: PortNumber,
    _ event: FrameEvent,
    number: UInt64?,
    at time: UInt64
  ) {
    let place = count % Self.capacity
    count += 1
    entries[place] = Entry(time: time, length: length, port: port, event: event, number: number)
    (memory + place * Self.kept).copyMemory(from: frame, byteCount: min(length, Self.kept))
  }

  /// The last frames, the oldest first.
  private func forEach(_ body: (Entry, UnsafeRawPointer) -> Void) {
    for index in max(0, count - Self.capacity)..<count {
      let place = index % Self.capacity
      body(entries[place], UnsafeRawPointer(memory + place * Self.kept))
    }
  }

  /// Writes the frames into a pcapng file.
  /// - Parameters:
  ///   - names: of the ports.
  ///   - offset: nanoseconds from the monotonic clock to the time since 1970.
  /// - Returns: the number of frames.
  func write(to file: consuming Descriptor, names: [String], offset: UInt64) throws -> Int {
    let capture = PacketCapture(file, interfaces: names)
    forEach { entry, bytes in
      capture.add(
        bytes,
        min(entry.length, Self.kept),
        of: entry.length,
        interface: entry.port,
        isInbound: entry.event == .received,
        comment: entry.event.comment(frame: entry.number),
        time: entry.time &+ offset
      )
    }
    capture.flush()
    if let failure = capture.failure { throw failure }
    return capture.packets
  }

  /// The last frames of a port in words, the oldest first:
  /// `12 ms ago, from a: ICMP 10.7.0.1 > 10.7.0.2 type 8 code 0, 98 bytes`.
  /// - Parameters:
  ///   - most: the number of lines.
  ///   - now: nanoseconds of the monotonic clock.
  func lines(_ most: Int, of port: PortNumber, names: [String], now: UInt64) -> [String] {
    var found: [(entry: Entry, frame: [UInt8])] = []
    forEach { entry, bytes in
      guard entry.port == port else { return }
      let frame = UnsafeRawBufferPointer(start: bytes, count: min(entry.length, Self.kept))
      found.append((entry, Array(frame)))
    }
    let name = names.indices.contains(port.index) ? names[port.index] : "\(port)"
    return found.suffix(most).map { entry, frame in
      let age = Int(clamping: (now - min(now, entry.time)) / 1_000_000)
      let event =
        switch entry.event {
        case .received: "from"
        case .sent: "to"
        case .dropped: "not to"
        }
      let remark = entry.event.comment(frame: entry.number).map { "; \($0)" } ?? ""
      return "\(age) ms ago, \(event) \(name): \(FrameSummary.text(frame, length: entry.length))\(remark)"
    }
  }
}
