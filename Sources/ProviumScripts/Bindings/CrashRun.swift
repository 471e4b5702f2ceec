import ProviumBlock
import ProviumLua
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
  /// Each check has a VM that was resumed for it.
  let isFresh: Bool
  /// The most VMs that check at once.
  private let most: Int
  /// The script's VM first, then its copies.
  private var checkers: [CrashChecker] = []
  private var batch = CrashBatch()
  /// Checks cannot run side by side: one of them uses other VMs.
  private var isSequential = false

  /// Takes a snapshot of the machine, and starts the log.
  /// - Parameters:
  ///   - logPath: where the log is written to, in the format of dm-log-writes; nil: nowhere.
  ///   - most: the most VMs that check at once; nil: as many as the resource pool gives.
  init(
    _ vm: VMObject,
    disk: String,
    options: CrashPointSearch.Options,
    logPath: String?,
    isFresh: Bool,
    most: Int?
  ) throws {
    self.vm = vm
    self.options = options
    self.isFresh = isFresh
    // Two VMs with one address in one network would disturb each other.
    self.most = vm.machine.interfaces.isEmpty ? most ?? HostFacts.processors : 1
    self.logPath = logPath
    only = vm.context.scope.services.options.crashPoint.flatMap(CrashPoint.init(identifier:))
    diskID = disk
    _ = try vm.machine.disk(disk)
    snapshot = try vm.machine.takeSnapshot(isForMany: true)
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

  // MARK: One check

  private var checker: CrashChecker {
    if checkers.isEmpty { checkers.append(CrashChecker(vm.machine, of: vm.machine)) }
    return checkers[0]
  }

  /// Puts the script's VM before one crash point.
  /// - Parameter isFresh: in a VM that was resumed for it; false: in the one that checked the crash point before.
  func enter(_ index: Int, isFresh: Bool) throws {
    _ = try checker.prepare(snapshot, isFresh: isFresh)
    try putDisk(of: vm.machine, before: index)
  }

  private func putDisk(of machine: Machine, before index: Int) throws {
    let layers = try origin.layers(with: points[index].changes(of: log), folder: folder)
    try machine.disk(diskID).replaceContents(by: layers)
  }

  // MARK: Checks side by side

  /// Crash points of one batch. Their results are reported before the next batch begins.
  private static let batchSize = 64

  /// Begins a batch of the crash points from `first` on that will be reported.
  /// - Parameter names: of their sub-tests.
  /// - Returns: the crash points of the batch, and how many checkers it takes; 0: they are checked one by one.
  func beginBatch(from first: Int, names: (Range<Int>) -> [String]) -> (Range<Int>, checkers: Int) {
    let range = first..<min(first + Self.batchSize, points.count)
    batch = CrashBatch()
    guard most > 1, !isSequential, points.count > 1 else { return (range, 0) }
    let isWanted = vm.context.subTests.wouldRun(names(range))
    let wanted = zip(range, isWanted).filter(\.1).map(\.0)
    batch = CrashBatch(wanted)
    return (range, min(most, wanted.count))
  }

  /// Runs checkers until the batch is empty.
  func check(by functions: [LuaFunction], in state: LuaState) throws {
    let context = vm.context
    let before = context.scope.context.foreignUses
    do {
      // A skip in a check that runs beside others counts when the check is repeated.
      _ = try state.signalCaught {
        _ = try ConcurrentRun(functions, in: state, context, name: "provium.crash_points").run()
      }
    } catch {
      context.scope.machines.endCopies()
      throw error
    }
    isSequential = context.scope.context.foreignUses != before
    if isSequential { endCopies() }
  }

  /// Puts a checker's VM before the next crash point of the batch.
  /// - Returns: the index of the crash point; nil: the checker has nothing more to do.
  func begin(_ number: Int) throws -> Int? {
    guard !batch.isEmpty else { return nil }
    let checker = checker(number)
    guard try checker.prepare(snapshot, isFresh: isFresh), let index = batch.take() else { return nil }
    try putDisk(of: checker.machine, before: index)
    checker.output = ""
    checker.began = Deadline.now
    vm.context.checker = checker
    return index
  }

  /// Notes the result of a check.
  func end(_ number: Int, _ index: Int, hasPassed: Bool) {
    let checker = checker(number)
    checker.isClean = checker.isClean && hasPassed
    let duration = Deadline.now - checker.began
    let reports = vm.context.scope.machines.takeReports(of: [checker.machine])
    vm.context.checker = nil
    batch[index] = CrashBatch.Verdict(
      hasPassed: hasPassed,
      output: checker.output,
      duration: duration,
      reports: reports
    )
  }

  private func checker(_ number: Int) -> CrashChecker {
    _ = checker
    while checkers.count < number {
      checkers.append(CrashChecker(vm.context.scope.machines.addCopy(of: vm.machine), of: vm.machine))
    }
    return checkers[number - 1]
  }

  func verdict(_ index: Int) -> CrashBatch.Verdict? { batch[index] }

  private func endCopies() {
    vm.context.scope.machines.endCopies()
    checkers = Array(checkers.prefix(1))
  }

  // MARK: The least loss, and the end

  /// Adds the crash points that have a part of the losses of one.
  /// - Returns: their indices.
  func addReductions(of index: Int) -> Range<Int> {
    let first = points.count
    points += points[index].reductions
    return first..<points.count
  }

  /// Returns the machine to its state before the workload.
  func end() throws {
    endCopies()
    checkers = []
    try vm.machine.restore(snapshot)
  }
}
