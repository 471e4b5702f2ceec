internal import CLinux
import Glibc
package import ProviumSystem
import Synchronization

/// A learning Ethernet switch in this process, with one thread. VMs are connected by packet sockets, one Ethernet frame
/// without its checksum in each packet. Thread-safe.
package final class NetworkSwitch: Sendable {
  private struct State {
    let core = SwitchCore()
    var isClosed = false
  }
  private let state = Mutex(State())
  private let wake: EventDescriptor
  private let thread = Mutex<DedicatedThread?>(nil)

  /// Starts the switch's thread.
  /// - Parameter name: of the network.
  package init(name: String) throws {
    wake = try EventDescriptor()
    let loop = Loop(state: StateBox(self), wake: wake)
    let started = try DedicatedThread(name: "net-\(name)", stackSize: 1 << 20) { loop.run() }
    thread.withLock { $0 = started }
  }

  /// The loop must not keep the switch alive, or its `deinit` would never run.
  private final class StateBox: Sendable {
    private let owner: Mutex<Weak>
    private struct Weak { weak var value: NetworkSwitch? }
    init(_ owner: NetworkSwitch) { self.owner = Mutex(Weak(value: owner)) }
    func get() -> NetworkSwitch? { owner.withLock { $0.value } }
  }

  /// Ends the thread, and closes all sockets. Idempotent.
  package func close() {
    state.withLock { state in
      state.isClosed = true
      state.core.capture?.flush()
      state.core.capture = nil
      for port in state.core.ports { state.core.disconnect(port.number) }
    }
    wake.raise()
    let ending = thread.withLock { thread -> DedicatedThread? in
      defer { thread = nil }
      return thread
    }
    ending?.join()
  }

  // MARK: Ports

  /// Adds a port for a VM, which is not connected yet.
  /// - Parameters:
  ///   - name: for captures.
  ///   - address: the Ethernet address of the VM's device.
  package func addPort(name: String, address: MACAddress) -> PortNumber {
    state.withLock { $0.core.addPort(name: name, address: address, station: nil) }
  }

  /// Adds a port for a station of this process.
  package func addPort(name: String, station: Station) -> PortNumber {
    state.withLock { $0.core.addPort(name: name, address: station.mac, station: station) }
  }

  /// Connects the socket of a VM, and disconnects the one before it.
  /// - Parameter discardingOld: whether frames that the socket holds already are discarded.
  package func connect(_ port: PortNumber, _ socket: consuming Descriptor, discardingOld: Bool = false) {
    var socket: Descriptor? = consume socket
    state.withLock { state in
      guard !state.isClosed, let taken = socket.take() else { return }
      state.core.connect(port, taken, discardingOld: discardingOld)
    }
    wake.raise()
  }

  package func disconnect(_ port: PortNumber) {
    state.withLock { $0.core.disconnect(port) }
    wake.raise()
  }

  package func counts(of port: PortNumber) -> PortCounts {
    state.withLock { $0.core.ports[port.index].counts }
  }

  /// Sends a frame of a station. A frame that no Ethernet can have is dropped, and counted.
  package func send(_ frame: [UInt8], from port: PortNumber) {
    state.withLock { $0.core.send(frame, from: port, now: Deadline.now) }
    wake.raise()
  }

  // MARK: Impairments

  /// Sets what one direction does, and counts its frames from 1 again; nil: what all directions do.
  package func set(_ impairment: Impairment?, from: PortNumber, to: PortNumber) {
    state.withLock { $0.core.set(impairment, from: from, to: to) }
  }

  /// Sets what all directions without impairments of their own do.
  package func setAll(_ impairment: Impairment?) { state.withLock { $0.core.setCommon(impairment) } }

  /// Ports of different groups cannot reach each other; ports of no group reach all. No groups: all reach all.
  package func partition(_ groups: [[PortNumber]]) { state.withLock { $0.core.partition(groups) } }

  /// Drops frames that match.
  /// - Parameters:
  ///   - from: nil: any sender.
  ///   - to: nil: any receiver.
  ///   - nth: the number of the one frame that is dropped, from 1; nil: all.
  package func drop(_ filter: FrameFilter, from: PortNumber?, to: PortNumber?, nth: Int?) {
    state.withLock { $0.core.add(DropRule(from: from, to: to, filter: filter, nth: nth)) }
  }

  package func removeDropRules() { state.withLock { $0.core.removeRules() } }

  // MARK: Saving

  /// Takes the state and the frames on their way, and disconnects all ports. All VMs are stopped.
  /// - Parameter ends: the VMs' ends of their sockets.
  package func takeState(ends: [PortNumber: Int32]) -> (SavedSwitch, [FrameInFlight]) {
    state.withLock { state in
      let frames = state.core.takeFramesInFlight(ends: ends, now: Deadline.now)
      let saved = state.core.saved
      for port in state.core.ports { state.core.disconnect(port.number) }
      return (saved, frames)
    }
  }

  /// The impairments, partitions and drops, with what they have decided so far.
  package var impairments: SavedSwitch { state.withLock { $0.core.saved } }

  /// Restores the state instead of the present one. The ports are there, in the order in which they were added before the save.
  /// - Returns: false for a state that names other ports.
  package func restore(_ saved: SavedSwitch) -> Bool { state.withLock { $0.core.restore(saved) } }

  /// Delivers the frames of `takeState`. The ports are connected, and no VM runs yet.
  package func deliver(_ frames: [FrameInFlight]) {
    state.withLock { $0.core.deliver(frames, now: Deadline.now) }
    wake.raise()
  }

  // MARK: Capture

  /// Writes all frames from now on into a pcapng file, instead of the file before it.
  package func startCapture(_ file: consuming Descriptor) {
    var file: Descriptor? = consume file
    state.withLock { state in
      guard !state.isClosed, let taken = file.take() else { return }
      state.core.capture?.flush()
      state.core.capture = PacketCapture(taken, interfaces: state.core.ports.map(\.name))
    }
  }

  /// Writes the rest of the frames, and closes the file.
  /// - Returns: the number of entries in the file.
  /// - Throws: `Errno` of the first write that failed.
  @discardableResult
  package func stopCapture() throws -> Int {
    let (packets, failure) = state.withLock { state -> (Int, Errno?) in
      guard let capture = state.core.capture else { return (0, nil) }
      capture.flush()
      state.core.capture = nil
      return (capture.packets, capture.failure)
    }
    if let failure { throw failure }
    return packets
  }

  /// Writes the last frames into a pcapng file; of each at most the first 256 bytes.
  /// - Returns: the number of frames.
  package func writeRecent(to file: consuming Descriptor) throws -> Int {
    var file: Descriptor? = consume file
    return try state.withLock { state in
      guard let taken = file.take() else { return 0 }
      return try state.core.recent.write(
        to: taken,
        names: state.core.ports.map(\.name),
        offset: PacketCapture.now &- Deadline.now
      )
    }
  }

  /// The last frames of a port in words, the oldest first.
  package func recentLines(_ most: Int, of port: PortNumber) -> [String] {
    state.withLock {
      $0.core.recent.lines(most, of: port, names: $0.core.ports.map(\.name), now: Deadline.now)
    }
  }

  // MARK: The thread

  /// The state of the thread between two waits.
  private struct Loop: Sendable {
    let state: StateBox
    let wake: EventDescriptor

    func run() {
      var entries: [pollfd] = []
      var numbers: [PortNumber] = []
      var generation = -1
      while true {
        // The switch is kept alive for one step only.
        guard let step = state.get()?.prepare(&entries, &numbers, &generation, wake) else { return }
        let ready = clinux_poll(&entries, entries.count, step)
        guard ready > 0 || ready == -EINTR || ready == 0 else { return }
        guard let owner = state.get() else { return }
        owner.handle(entries, numbers, wake)
      }
    }
  }

  /// Makes the list of sockets to wait for.
  /// - Returns: the longest time to wait, in nanoseconds; nil when the switch is closed.
  private func prepare(
    _ entries: inout [pollfd],
    _ numbers: inout [PortNumber],
    _ generation: inout Int,
    _ wake: EventDescriptor
  ) -> UInt64? {
    state.withLock { state in
      guard !state.isClosed else { return nil }
      if generation != state.core.generation {
        generation = state.core.generation
        entries = [pollfd(fd: wake.raw, events: Int16(POLLIN), revents: 0)]
        numbers = []
        for port in state.core.ports where port.socket >= 0 {
          let events = POLLIN | (port.queue.count > 0 ? POLLOUT : 0)
          entries.append(pollfd(fd: port.socket, events: Int16(events), revents: 0))
          numbers.append(port.number)
        }
      }
      guard let next = state.core.nextTime else { return .max }
      let now = Deadline.now
      return next > now ? next - now : 0
    }
  }

  private func handle(_ entries: [pollfd], _ numbers: [PortNumber], _ wake: EventDescriptor) {
    if entries.first?.revents != 0 { wake.lower() }
    state.withLock { state in
      guard !state.isClosed else { return }
      let core = state.core
      let now = Deadline.now
      core.releaseDelayed(now: now)
      for (index, number) in numbers.enumerated() {
        let entry = entries[index + 1]
        // The port may have another socket by now.
        guard entry.revents != 0, core.ports[number.index].socket == entry.fd else { continue }
        if entry.revents & Int16(POLLOUT) != 0 { core.drainQueue(of: number) }
        if entry.revents & Int16(POLLIN | POLLHUP | POLLERR) != 0 {
          core.receive(from: number, now: now, hasEnded: entry.revents & Int16(POLLHUP) != 0)
        }
      }
    }
  }

  deinit {
    // Reached on the switch's own thread too, which must not join itself.
    state.withLock { $0.isClosed = true }
    wake.raise()
  }
}
