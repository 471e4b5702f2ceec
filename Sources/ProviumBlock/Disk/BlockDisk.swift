import Glibc
package import ProviumSystem
import Synchronization

/// A disk that this process provides: contents in layers, a volatile write cache, faults, and a log. Thread-safe. Knows
/// nothing of who uses it.
package final class BlockDisk: Sendable {
  /// The properties of a disk that its user cannot change.
  package struct Properties: Sendable, Hashable {
    /// Bytes at first; a multiple of the sector size. See `BlockDisk.size`.
    package var size: Int
    /// 512 or 4096.
    package var sectorSize = 512
    /// Changes become durable by a flush; false: at once.
    package var hasVolatileCache = true
    /// The most bytes of data that changes may take, in the durable layer and in the cache each.
    package var overlayLimit = 4 << 30
    /// The most bytes of writes that a log keeps; the log of unflushed ones counts whole blocks of 4 KiB.
    package var logLimit = 256 << 20
    /// The seed of everything random.
    package var seed: UInt64 = 1

    package init(size: Int) { self.size = size }
  }

  /// The answer to a request.
  package struct Answer: Sendable, Hashable {
    package var errno: Errno?
    /// The time at which it is due, as of `Deadline.now`; nil: at once.
    package var due: UInt64?
  }

  struct State {
    var contents: DiskContents
    var policy: FaultPolicy
    var generator: SeededGenerator
    var statistics = DiskStatistics()
    /// The log of a workload; nil: none is recorded.
    var recording: WriteLog?
    var problem: DiskProblem?
    /// The power is off: requests are not answered.
    var isOff = false
    var hostRequests = HostRequests()
  }

  /// Requests that the host causes, not the guest: QEMU flushes all disks when it stops a VM.
  struct HostRequests: Hashable {
    enum Flush { case none, expected, pending, ignored }
    var flush = Flush.none
    var isTrimExpected = false
  }

  package let properties: Properties
  let state: Mutex<State>
  private let currentSize: Atomic<Int>
  /// Bytes.
  package var size: Int { currentSize.load(ordering: .acquiring) }
  /// For temporary files.
  let folder: String

  /// - Parameter folder: where the overlay's temporary files are.
  package init(_ properties: Properties, base: BaseContents = .zeroes, folder: String) throws {
    self.properties = properties
    self.folder = folder
    currentSize = Atomic(properties.size)
    let contents = try DiskContents(
      size: properties.size,
      base: base,
      limit: properties.overlayLimit,
      logLimit: properties.logLimit,
      folder: folder
    )
    state = Mutex(
      State(
        contents: contents,
        policy: FaultPolicy(seed: properties.seed),
        generator: SeededGenerator(seed: properties.seed)
      )
    )
  }

  /// The log of a workload is being recorded.
  package struct Recording: Error, CustomStringConvertible {
    package var description: String { "a disk cannot get another size while crash points are recorded" }
  }

  /// Gives the disk another size, and makes everything durable first. A client learns of it by a new connection.
  /// - Parameter size: bytes; a multiple of the sector size.
  package func resize(to size: Int) throws {
    try state.withLock { state in
      guard state.recording == nil else { throw Recording() }
      try makeDurable(&state)
      try state.contents.resize(to: size)
      currentSize.store(size, ordering: .releasing)
    }
  }

  // MARK: Requests

  /// Carries one request out.
  /// - Parameters:
  ///   - payload: the bytes of a write.
  ///   - buffer: takes the bytes of a read; of the request's size.
  /// - Returns: nil if the power is off: there is no answer.
  package func perform(
    _ request: DiskRequest,
    payload: UnsafeRawBufferPointer = UnsafeRawBufferPointer(start: nil, count: 0),
    into buffer: UnsafeMutableRawBufferPointer = UnsafeMutableRawBufferPointer(start: nil, count: 0)
  ) -> Answer? {
    state.withLock { state in
      guard !state.isOff else { return nil }
      state.statistics.count(request)
      let decision = state.policy.decide(request, now: Deadline.now)
      var answer = Answer(errno: decision.errno, due: decision.due)
      guard answer.errno == nil else { return answer }
      do { try carryOut(request, payload, buffer, &state) } catch is Layer.LimitReached {
        state.problem = state.problem ?? .overlayFull(limit: properties.overlayLimit)
        answer.errno = Errno(ENOSPC)
      } catch {
        state.problem = state.problem ?? .host("\(error)")
        answer.errno = Errno(EIO)
      }
      return answer
    }
  }

  private func carryOut(
    _ request: DiskRequest,
    _ payload: UnsafeRawBufferPointer,
    _ buffer: UnsafeMutableRawBufferPointer,
    _ state: inout State
  ) throws {
    switch request.operation {
    case .read: try state.contents.read(at: request.offset, into: buffer)
    case .flush: try flush(&state)
    case .write: try change(request, payload, &state)
    case .trim, .zero:
      if request.operation == .trim, state.hostRequests.isTrimExpected, request.offset == 0,
        request.count == properties.sectorSize
      {
        state.hostRequests.isTrimExpected = false
        return
      }
      try change(request, payload, &state)
    }
  }

  /// Changes the contents, and notes it.
  /// - Parameter payload: the bytes of a write.
  func change(_ request: DiskRequest, _ payload: UnsafeRawBufferPointer, _ state: inout State) throws {
    var request = request
    request.isDurable = request.isDurable || !properties.hasVolatileCache
    if request.isDurable { try state.contents.apply(request, payload, to: .durable) }
    // The cache is above: what it has there must change too.
    if !request.isDurable || state.contents.hasUnflushed { try state.contents.cache(request, payload) }
    if !request.isDurable { state.statistics.unflushed += request.count }
    state.recording?.append(request, payload)
  }

  private func flush(_ state: inout State) throws {
    switch state.hostRequests.flush {
    case .none, .pending: try makeDurable(&state)
    // The host's flush comes last: if another one follows, this one was the guest's.
    case .expected: state.hostRequests.flush = .pending
    case .ignored: break
    }
  }

  func makeDurable(_ state: inout State) throws {
    try state.contents.flush()
    state.statistics.unflushed = 0
    state.recording?.append(LogEntry(.flush))
  }
}

extension DiskContents {
  /// Carries a change of a log out.
  mutating func apply(_ entry: LogEntry, to target: Target) throws {
    switch entry.kind {
    case .write(let bytes): try bytes.withUnsafeBytes { try write(at: entry.offset, $0, to: target) }
    case .zero, .trim: try clear(at: entry.offset, count: entry.count, in: target)
    case .flush, .mark: break
    }
  }

  /// Carries a request out that changes contents.
  mutating func apply(_ request: DiskRequest, _ payload: UnsafeRawBufferPointer, to target: Target) throws {
    switch request.operation {
    case .write: try write(at: request.offset, payload, to: target)
    case .zero, .trim: try clear(at: request.offset, count: request.count, in: target)
    case .read, .flush: break
    }
  }
}
