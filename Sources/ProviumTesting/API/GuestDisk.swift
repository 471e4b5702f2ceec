import ProviumBlock
import ProviumRuntime
import ProviumSystem

/// A disk of a VM that the test controls: see ``VirtualMachine/disk(_:)``. It stays valid when its VM is reset.
///
/// ```swift
/// var configuration = VirtualMachine.Configuration()
/// configuration.servedDisks = [ServedDisk(id: "data", size: 256 << 20)]
/// try await withVirtualMachine(configuration) { vm in
///   let disk = try await vm.disk("data")
///   try await disk.fail(.write, sectors: 2048...4095, with: .EIO)
///   let copy = try await vm.exec("dd if=/dev/zero of=/dev/vda bs=1M count=4 conv=fsync")
///   #expect(!copy.isSuccess)
///   try await disk.clearFaults()
///   let cut = try await disk.cutPower()
///   print("lost \(cut.lost) writes")
///   try await vm.reset()
/// }
/// ```
///
/// `Docs/Disks.md` describes faults, power cuts and models.
public struct GuestDisk: Sendable {
  /// The identifier in the configuration.
  public let id: String
  private let target: OperationTarget

  init(_ id: String, of target: OperationTarget) {
    self.id = id
    self.target = target
  }

  /// The kind of a request to the disk.
  public enum Request: String, Sendable, CaseIterable {
    case read, write, flush, trim, zero
  }

  // MARK: Faults

  /// Makes requests fail, from now on. A disk can have several faults; the first that matches decides.
  /// - Parameters:
  ///   - request: the requests that fail; nil: all.
  ///   - sectors: only requests that touch one of these 512-byte sectors; nil: all.
  ///   - successes: the number of matching requests that succeed first.
  ///   - times: the number of requests that fail; nil: all.
  ///   - error: `EIO`, `ENOSPC`, `EPERM`, `ENOMEM`, `EINVAL`, `EOVERFLOW`, `ENOTSUP` or `ESHUTDOWN`. With virtio-blk
  ///     the guest sees each of them as `EIO`.
  /// - Throws: ``ProviumError``, with the code `invalidUse` for another error or for sectors beyond the disk.
  public func fail(
    _ request: Request? = nil,
    sectors: ClosedRange<Int>? = nil,
    after successes: Int = 0,
    times: Int? = nil,
    with error: Errno = .EIO
  ) async throws(ProviumError) {
    let known = DiskErrno.all.map(\.name).joined(separator: ", ")
    guard DiskErrno.all.contains(error) else {
      throw ProviumError(.invalidUse, "a disk cannot fail with \(error.name): choose one of \(known)")
    }
    let operation = request.flatMap { DiskRequest.Operation(rawValue: $0.rawValue) }
    try await perform { disk in
      let last = disk.size / 512 - 1
      if let sectors, sectors.lowerBound < 0 || sectors.upperBound > last {
        throw ProviumError(.invalidUse, "the disk has the sectors 0 to \(last), not \(sectors)")
      }
      let rule = FaultRule(
        operation,
        sectors: sectors,
        after: max(0, successes),
        times: times.map { max(0, $0) },
        errno: error
      )
      disk.changePolicy { $0.add(rule) }
    }
  }

  /// Delays every reply, and limits the disk's speed.
  /// - Parameters:
  ///   - latency: the delay of each reply. With `jitter` at most 60 seconds.
  ///   - jitter: the most that is added to it.
  ///   - rate: bytes a second; nil: no limit.
  /// - Throws: ``ProviumError``.
  public func slow(latency: Duration = .zero, jitter: Duration = .zero, rate: UInt64? = nil)
    async throws(ProviumError)
  {
    guard latency >= .zero, jitter >= .zero, latency + jitter <= .seconds(60), rate != 0 else {
      throw ProviumError(
        .invalidUse,
        "latency and jitter must be 0 to 60 seconds together, and the rate above 0 bytes a second"
      )
    }
    try await perform { $0.changePolicy { $0.slow(latency: latency, jitter: jitter, rate: rate) } }
  }

  /// Makes writes fail with `ENOSPC` after that many more bytes.
  /// - Throws: ``ProviumError``.
  public func fill(after bytes: Int) async throws(ProviumError) {
    try await perform { $0.changePolicy { $0.fill(after: max(0, bytes)) } }
  }

  /// Makes every request fail that would change the disk, or ends that.
  /// - Throws: ``ProviumError``.
  public func setReadOnly(_ isOn: Bool = true) async throws(ProviumError) {
    try await perform { $0.changePolicy { $0.isReadOnly = isOn } }
  }

  /// Lets a power cut keep only a part of a write, up to a sector boundary, or ends that.
  /// - Throws: ``ProviumError``.
  public func setTornWrites(_ isOn: Bool = true) async throws(ProviumError) {
    try await perform { $0.changePolicy { $0.tearsWrites = isOn } }
  }

  /// Changes the bytes of sectors.
  /// - Parameter sectors: numbers of 512-byte sectors.
  /// - Throws: ``ProviumError``, with the code `invalidUse` for sectors beyond the disk.
  public func corrupt(sectors: ClosedRange<Int>) async throws(ProviumError) {
    try await perform { disk in
      let last = disk.size / 512 - 1
      guard sectors.lowerBound >= 0, sectors.upperBound <= last, sectors.count <= 65536 else {
        throw ProviumError(
          .invalidUse,
          "the disk has the sectors 0 to \(last), of which 65536 can be damaged at once, not \(sectors)"
        )
      }
      try disk.corrupt(sector: sectors.lowerBound, count: sectors.count)
    }
  }

  /// Removes all faults.
  /// - Throws: ``ProviumError``.
  public func clearFaults() async throws(ProviumError) {
    try await perform { $0.changePolicy { $0.clear() } }
  }

  // MARK: Contents

  /// The counts of a disk since its VM was booted.
  public struct Statistics: Sendable, Hashable {
    /// Requests.
    public var reads, writes, flushes, trims: Int
    /// Bytes.
    public var bytesRead, bytesWritten: Int
    /// Requests that failed because of a fault.
    public var failures: Int
    /// Bytes of changes that no flush has made durable.
    public var unflushed: Int
  }

  /// The counts of the disk.
  public var statistics: Statistics {
    get async throws(ProviumError) {
      try await perform { disk in
        let counts = disk.statistics
        return Statistics(
          reads: counts.reads,
          writes: counts.writes,
          flushes: counts.flushes,
          trims: counts.trims,
          bytesRead: counts.bytesRead,
          bytesWritten: counts.bytesWritten,
          failures: counts.failures,
          unflushed: counts.unflushed
        )
      }
    }
  }

  /// Returns contents of the disk. Faults do not apply.
  /// - Parameters:
  ///   - range: offsets in bytes, at most 64 MiB.
  ///   - isDurable: false: as the guest has written them; true: what a power cut would leave.
  /// - Throws: ``ProviumError``, with the code `invalidUse` for a range beyond the disk.
  public func read(_ range: Range<Int>, durable isDurable: Bool = false) async throws(ProviumError) -> [UInt8]
  {
    try await perform { disk in
      guard range.lowerBound >= 0, range.upperBound <= disk.size, range.count <= 64 << 20 else {
        throw ProviumError(
          .invalidUse,
          "a read of the bytes \(range) is not within the disk's \(disk.size) bytes, or has more than 64 MiB"
        )
      }
      return try disk.read(
        at: range.lowerBound,
        count: range.count,
        from: isDurable ? .durable : .cache
      )
    }
  }

  /// Changes whole sectors durably. Faults do not apply, and the guest is not told.
  /// - Parameters:
  ///   - bytes: whole sectors of 512 bytes.
  ///   - offset: in bytes; a multiple of 512.
  /// - Throws: ``ProviumError``, with the code `invalidUse` for anything that is not whole sectors of the disk.
  public func write(_ bytes: [UInt8], at offset: Int) async throws(ProviumError) {
    try await perform { disk in
      guard offset >= 0, offset % 512 == 0, bytes.count % 512 == 0,
        bytes.count <= disk.size - offset
      else {
        throw ProviumError(
          .invalidUse,
          "\(bytes.count) bytes at \(offset) are not whole sectors of 512 bytes within the disk's "
            + "\(disk.size) bytes"
        )
      }
      if !bytes.isEmpty { try disk.write(at: offset, bytes) }
    }
  }

  // MARK: Size and presence

  /// Gives the disk another size, and tells the guest. Everything that the guest has written becomes durable.
  /// - Parameter size: in bytes; whole sectors.
  /// - Throws: ``ProviumError``, with the code `invalidUse` for a size that no disk can have, and for NVMe and USB disks.
  public func resize(to size: UInt64) async throws(ProviumError) {
    let id = id
    try await target.thread.run { try $0.resizeDisk(id, to: size) }
  }

  /// Takes the disk away from the guest, as a hand does that pulls a plug. Its contents stay as they are.
  /// - Throws: ``ProviumError``, with the code `invalidUse` for a virtio-blk or NVMe disk that is not
  ///   ``ServedDisk/isRemovable``.
  public func detach() async throws(ProviumError) {
    let id = id
    try await target.thread.run { try $0.detachDisk(id) }
  }

  /// Gives a disk that was detached back to the guest.
  /// - Throws: ``ProviumError``.
  public func attach() async throws(ProviumError) {
    let id = id
    try await target.thread.run { try $0.attachDisk(id) }
  }

  // MARK: Power

  /// The result of a power cut, in numbers of changes that no flush had made durable.
  public struct PowerCut: Sendable, Hashable {
    /// Changes that are gone.
    public var lost: Int
    /// Changes that were kept, and how many of these only in part.
    public var kept, torn: Int
  }

  /// Ends the VM at this moment. All its served disks lose what no flush has made durable.
  /// ``VirtualMachine/reset()`` boots from what is left.
  /// - Parameters:
  ///   - survival: the probability with which each change survives that is not durable, from 0 to 1.
  ///   - seed: decides which changes survive; nil: the seed of each disk.
  /// - Returns: the losses of this disk.
  /// - Throws: ``ProviumError``.
  @discardableResult
  public func cutPower(survival: Double = 0, seed: UInt64? = nil) async throws(ProviumError) -> PowerCut {
    guard (0...1).contains(survival) else {
      throw ProviumError(.invalidUse, "survival is a probability from 0 to 1, not \(survival)")
    }
    let id = id
    let cut = try await target.thread.run { try $0.cutPower(of: id, survival: survival, seed: seed) }
    return PowerCut(lost: cut.lost, kept: cut.kept, torn: cut.torn)
  }

  private func perform<Value: Sendable>(_ body: @escaping @Sendable (BlockDisk) throws -> Value)
    async throws(ProviumError) -> Value
  {
    let id = id
    return try await target.thread.run { try body(try $0.disk(id)) }
  }
}

extension VirtualMachine {
  /// Returns a disk that Provium serves: one of ``MachineConfiguration/servedDisks``.
  /// - Parameter id: its identifier.
  /// - Throws: ``ProviumError``, with the code `invalidUse` if the VM has no such disk.
  public func disk(_ id: String) async throws(ProviumError) -> GuestDisk {
    _ = try await target.thread.run { try $0.disk(id) }
    return GuestDisk(id, of: target)
  }
}
