internal import CLinux
import Glibc
import ProviumSystem

/// The state of a switch and what it does with a frame. Knows no threads: the owner calls it from one thread at a time, with
/// the present time.
///
/// A frame is handled in the memory that it was received in. It is copied only where it must wait.
final class SwitchCore {
  private(set) var ports: [SwitchPort] = []
  var table = MACTable()
  let pool = FramePool()
  var delayed = DelayQueue()
  /// By sender and receiver.
  var directions: [DirectionKey: Direction] = [:]
  private(set) var common: Impairment?
  private(set) var rules: [DropRule] = []
  private(set) var isPartitioned = false
  var capture: PacketCapture?
  /// The last frames, for the case that a test fails.
  let recent = RecentFrames()
  /// The time of the frames that are handled: nanoseconds of the monotonic clock.
  var present: UInt64 = 0
  /// Grows when the sockets to wait for change.
  var generation = 0

  struct DirectionKey: Hashable {
    let from: PortNumber
    let to: PortNumber
  }

  static let batch = Int(CLINUX_FRAMES)
  static let slot = FrameSize.largest + 1
  let received = UnsafeMutableRawPointer.allocate(byteCount: batch * slot, alignment: 64)
  let lengths = UnsafeMutablePointer<UInt32>.allocate(capacity: batch)
  /// Frames for one socket that are sent by one call.
  let run = UnsafeMutablePointer<UnsafeRawPointer?>.allocate(capacity: batch)
  let runLengths = UnsafeMutablePointer<UInt32>.allocate(capacity: batch)
  var runCount = 0
  var runPort: SwitchPort?
  /// Frames that stations have sent while a frame was handled.
  var replies: [(from: PortNumber, frame: [UInt8])] = []
  static let mostReplies = 1024

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

  func disconnect(_ port: SwitchPort) {
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

  /// Whether all frames are delivered at once, and nothing records them but `recent`.
  var isPlain: Bool {
    directions.isEmpty && common == nil && rules.isEmpty && !isPartitioned && capture == nil
  }

  /// The state of a direction; nil: nothing happens to its frames.
  func direction(_ from: PortNumber, _ to: PortNumber) -> Direction? {
    let key = DirectionKey(from: from, to: to)
    if let known = directions[key] { return known }
    guard let common else { return nil }
    let new = Direction(FateSource(common, from: from, to: to), isOwn: false)
    directions[key] = new
    return new
  }
}
