import ProviumBlock
import ProviumRuntime
import ProviumSystem

/// One search for crash points: the recorded workload, its crash points, and the machine that checks them. Belongs to the
/// script's thread.
final class CrashRun {
  let vm: VMObject
  private let diskID: String
  /// The state of the machine before the workload.
  private let snapshot: MachineSnapshot
  private let origin: DiskOrigin
  private let options: CrashPointSearch.Options
  /// The one crash point to check; nil: all.
  private let only: CrashPoint?
  private let logPath: String?
  private(set) var log: [LogEntry] = []
  private(set) var points: [CrashPoint] = []
  /// The machine was resumed from `snapshot` and has only checked crash points since.
  private var isChecking = false

  /// Takes a snapshot of the machine, and starts the log.
  /// - Parameter logPath: where the log is written to, in the format of dm-log-writes; nil: nowhere.
  init(_ vm: VMObject, disk: String, options: CrashPointSearch.Options, logPath: String?) throws {
    self.vm = vm
    self.options = options
    self.logPath = logPath
    only = vm.context.scope.services.options.crashPoint.flatMap(CrashPoint.init(identifier:))
    diskID = disk
    _ = try vm.machine.disk(disk)
    snapshot = try vm.machine.takeSnapshot()
    origin = try vm.machine.disk(disk).beginRecording()
  }

  private var folder: String { vm.context.scope.services.run.path }

  /// Ends the log, and chooses the crash points.
  func finish() throws {
    guard let recorded = try vm.machine.disk(diskID).endRecording() else {
      throw ProviumError(
        .invalidUse,
        "the machine was restored or reset while the workload ran: its log is gone"
      )
    }
    guard !recorded.isCut else {
      let limit = Quantity.text(bytes: UInt64(recorded.limit))
      throw ProviumError(
        .storage,
        "the workload wrote more than the disk's log keeps (\(limit)): raise its log option"
      )
    }
    log = recorded.entries
    if let logPath { try Files.write(LogWritesFormat.encode(log), to: logPath) }
    if let only {
      guard only.fits(log) else {
        throw ProviumError(
          .invalidUse,
          "the log of this run has no crash point \(only.identifier): it has \(log.count) requests"
        )
      }
      points = [only]
      return
    }
    let search = CrashPointSearch(log, sectorSize: origin.properties.sectorSize, options: options)
    points = try search.distinctPoints(of: log, from: origin, folder: folder)
  }

  /// Puts the machine before one crash point.
  /// - Parameter isFresh: in a machine that was resumed for it; false: in the one that checked the crash point before.
  func enter(_ index: Int, isFresh: Bool) throws {
    vm.machine.noticeDeath()
    if isFresh || !isChecking || vm.machine.state != .booted {
      try vm.machine.restore(snapshot)
      isChecking = true
    }
    let layers = try origin.layers(with: points[index].changes(of: log), folder: folder)
    try vm.machine.disk(diskID).replaceContents(by: layers)
  }

  /// Adds the crash points that have a part of the losses of one.
  /// - Returns: their indices.
  func addReductions(of index: Int) -> Range<Int> {
    let first = points.count
    points += points[index].reductions
    return first..<points.count
  }

  /// Returns the machine to its state before the workload.
  func end() throws {
    isChecking = false
    try vm.machine.restore(snapshot)
  }
}
