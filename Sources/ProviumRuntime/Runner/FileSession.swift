package import ProviumEvents
import ProviumLua
import ProviumSystem
import Synchronization

/// One run of one Lua file: its Lua state, its machines, its sub-tests. `run` belongs to one thread; `interrupt` may come
/// from any.
package final class FileSession: @unchecked Sendable {
  // Sendable for `interrupt` alone, which touches nothing but what locks itself; all else is the running thread's.
  let file: TestFile
  /// By which the resource pool knows this file.
  let owner: Int
  let engine: Engine
  let events: EventStream
  let ledger: SessionLedger
  let vitals = SessionVitals()
  /// Decides which sub-tests run.
  let filter: SubTestFilter
  private let timeout: Duration
  var fileTimeout: Duration { timeout }

  /// What scripts hold: made for this file's state.
  let vmType = ScriptMachine.makeType()
  let workerType = ScriptWorker.makeType()
  let numbersType = GuestNumbers.makeType()
  let snapshotType = LuaObjectType<ScriptSnapshot>(name: "snapshot", methods: [:])
  var subTests = SubTestStack()
  /// In force now, outermost first: the file's, and those of the sub-tests that run and have one.
  var limits: [TimeLimit] = [] {
    // The scope that has ended may have been outside of its limit for a while; those around it were, too.
    didSet {
      let next = limits.min { $0.deadline < $1.deadline }
      vitals.set(next)
      if limits.count < oldValue.count { luaState?.deadline = next?.deadline ?? .never }
    }
  }
  /// The limit that has been reached, the first to be.
  var reachedLimit: TimeLimit? { limits.filter(\.deadline.isExpired).min { $0.deadline < $1.deadline } }
  let machines = SessionMachines()
  private let luaInterrupt = LuaInterrupt()
  /// Set while the script runs.
  private(set) var luaState: LuaState?
  /// Of a session without a script.
  var outerDeadline = Deadline.never
  /// Ends a sleep: set by an interrupt.
  let wakeUp = Monitor(false)
  /// What the file is doing, for whoever watches and for the message of a time limit.
  private var activityText = "starting"
  /// Every file that the script loaded, for fixture keys: absolute path and contents.
  private(set) var loaded: [LoadedScript] = []
  /// Claimed at the top of the file: what its machines take from, before the pool is asked.
  var reservation: Reservation?
  /// Sources of the fixtures that it resumed, and what they were made from.
  var fixtureSources: Set<String> = []
  /// Host files whose change may change what this file's run came to. After the run.
  package var touchedFiles: Set<String> { fixtureSources.union(loaded.map(\.path)).union([file.path]) }
  /// Each sub-test starts from the machines' state at the first one.
  var isFresh = false
  /// Not empty in the session of a fixture's script: the fixtures being built, outermost first.
  var fixtureChain: [(name: String, place: String)] = []
  /// Where a fixture's machines keep their memory while it is built.
  var workplace: String?
  /// The fixtures that this script resumed.
  var usedFixtures: [FixtureInput] = []
  /// Where scripts were looked for that stand further on: absolute paths.
  private(set) var absentScripts: Set<String> = []
  /// The session of a fixture that this one builds.
  private let inner = Mutex<FileSession?>(nil)
  var innerSession: FileSession? { inner.withLock { $0 } }
  /// Of the pool, as long as somebody holds them.
  private let claims = Mutex<[HeldClaim]>([])

  package init(
    file: TestFile,
    owner: Int,
    engine: Engine,
    events: EventStream? = nil,
    filter: SubTestFilter,
    timeout: Duration
  ) {
    self.file = file
    self.owner = owner
    self.engine = engine
    ledger = SessionLedger(events ?? engine.events)
    self.events = EventStream([ledger])
    self.filter = filter
    self.timeout = timeout
  }

  /// Ends the script, and whatever its machines are doing. Any thread; the first reason stays.
  package func interrupt(_ reason: String) {
    hearOfEnd(reason)
    endMachines()
  }

  /// The script is to end; its machines still run. Any thread; the first reason stays.
  package func hearOfEnd(_ reason: String) {
    vitals.interrupted(reason)
    luaInterrupt.raise(reason)
    wakeUp.update { $0 = true }
    engine.pool.wake()
    inner.withLock { $0 }?.hearOfEnd(reason)
  }

  /// Ends whatever its machines are doing. Any thread.
  package func endMachines() {
    machines.killAll()
    inner.withLock { $0 }?.endMachines()
  }

  var isRunningLua: Bool { luaInterrupt.isInScript }
  func endHostPrograms() { luaInterrupt.programs.endRunning() }

  /// A claim that goes with its holder, or when the session is given up.
  func note(_ claim: PoolReservation) {
    claims.withLock { claims in
      claims.removeAll { $0.claim == nil }
      claims.append(HeldClaim(claim))
    }
  }

  /// Those of the fixture that it builds, too. Any thread.
  func releaseClaims() {
    innerSession?.releaseClaims()
    for held in claims.withLock({ $0 }) { held.claim?.release() }
  }

  package var isInterrupted: Bool { luaInterrupt.reason != nil }
  var interruption: String? { luaInterrupt.reason }

  /// While `body` runs, an interrupt of this session reaches `session` too.
  func running<Result>(_ session: FileSession, _ body: () throws -> Result) rethrows -> Result {
    inner.withLock { $0 = session }
    if let reason = luaInterrupt.reason { session.interrupt(reason) }
    defer { inner.withLock { $0 = nil } }
    return try body()
  }

  /// What `body` takes does not count against the script's time: a fixture is built for all files.
  func outsideTimeLimit<Result>(_ body: () throws -> Result) rethrows -> Result {
    guard scriptDeadline != .never else { return try body() }
    let begin = Deadline.now
    setDeadline(.never)
    vitals.set(nil)
    defer {
      for index in limits.indices {
        limits[index].deadline = limits[index].deadline.moved(by: Deadline.now - begin)
      }
      setDeadline(limits.map(\.deadline).min() ?? .never)
    }
    return try body()
  }

  /// The limit that holds from here on: the script's, or that of a test in Swift.
  private func setDeadline(_ deadline: Deadline) {
    if let luaState { luaState.deadline = deadline } else { outerDeadline = deadline }
  }

  /// Runs the file to its end and leaves nothing behind.
  package func run() -> FileResult {
    let start = Deadline.now
    vitals.start()
    let outcome = runScript()
    machines.endAll()
    reservation = nil
    var result = FileResult(
      file: file.name,
      outcome: outcome,
      subTests: subTests.results,
      duration: Double(Deadline.now - start) / 1e9
    )
    result.output = subTests.outerOutput
    let isSilent = outcome == .passed && result.subTests.isEmpty
    result.isHelper = isSilent && machines.count == 0 && !subTests.hasLeftOut
    // A native case stands for the script as a whole, too.
    if isSilent, subTests.hasLeftOut, !filter.isScriptSelected {
      result.outcome = .skipped(reason: "no sub-test of it is selected")
    }
    return result
  }

  func runScript() -> Outcome {
    let limit = TimeLimit(of: "the file's", length: timeout, scale: engine.timeScale)
    limits.append(limit)
    defer { limits.removeLast() }
    let outcome = self.outcome(until: limit.deadline)
    noteReports()
    return subTests.outerReports.judge(outcome, at: ScriptLocation(file: file.displayPath, line: 1))
  }

  private func outcome(until deadline: Deadline) -> Outcome {
    do {
      let state = try LuaState(interrupt: luaInterrupt)
      luaState = state
      defer {
        luaState = nil
        state.close()
      }
      try prepare(state)
      let chunk = try state.loadFile(file.path)
      let caught = try state.signalCaught { _ = try state.call(chunk, deadline: deadline) }
      return caught.map(self.outcome) ?? .passed
    } catch let failure as LuaFailure {
      return outcome(of: failure)
    } catch {
      return .failed(failure(of: error))
    }
  }

  /// What kernels reported up to now belongs to what runs now.
  func noteReports() {
    subTests.note(machines.takeReports(allowed: engine.configuration.settings.allowedSplats))
  }

  private func prepare(_ state: LuaState) throws {
    state.scripts.searchFolders = [Files.currentDirectory, engine.configuration.root]
    state.scripts.onLoad = { [unowned self] in loaded.append($0) }
    state.scripts.onMiss = { [unowned self] in absentScripts.insert($0) }
    try state.setPackagePath([file.root, engine.configuration.root])
    state.onPrint = { [unowned self] in print($0) }
    try Bindings.install(in: state, session: self)
  }

  private func print(_ bytes: [UInt8]) {
    let text = String(decoding: bytes, as: UTF8.self)
    subTests.append(output: text)
    events.send(.output(file: file.name, path: subTests.path, text: text))
  }

  /// Says what the file is doing now.
  func activity(_ text: String) {
    activityText = text
    events.send(.activity(file: file.name, text: text))
  }

  // MARK: Outcomes

  /// What went wrong outside the script's own lines.
  func failure(of error: any Error) -> Failure {
    if let reason = luaInterrupt.reason {
      return Failure(kind: .infrastructure, message: interrupted(reason))
    }
    return Failure(kind: (error as? HarnessFault)?.kind ?? .infrastructure, message: "\(error)")
  }

  /// What a failed piece of the script came to.
  func outcome(of failure: LuaFailure) -> Outcome {
    switch failure.payload {
    case SessionSignal.todo(let reason)?: return .todo(reason: reason)
    case SessionSignal.skip(let reason)?: return .skipped(reason: reason)
    default: break
    }
    let (kind, message) = classify(failure)
    var result = Failure(
      kind: kind,
      message: message,
      location: failure.location.map { ScriptLocation(file: $0.file, line: $0.line) }
    )
    result.traceback = failure.traceback
    let used = machines.used(since: subTests.frames.last?.usesBefore ?? 0)
    result.trace =
      used.count > 1 ? used.flatMap { ["\($0.label):"] + $0.traceLines } : used.first?.traceLines ?? []
    result.console = used.first?.consoleTail ?? []
    if let fault = failure.payload as? HarnessFault {
      // Reports show the console by itself.
      result.message = result.message.replacing(fault.consoleText, with: "")
    }
    return .failed(result)
  }

  private func classify(_ failure: LuaFailure) -> (FailureKind, String) {
    switch failure.kind {
    case .deadline:
      return (.timeout, "\(reachedLimit?.description ?? "a time limit") was reached during: \(activityText)")
    case .interrupted:
      return (.infrastructure, interrupted(failure.message))
    default: break
    }
    switch failure.payload {
    case is LuaAssertion: return (.assertion, failure.message)
    case let fault as HarnessFault:
      // An interrupt ends machines: what they say of that is not the reason.
      if let reason = luaInterrupt.reason { return (.infrastructure, interrupted(reason)) }
      return (fault.kind, failure.message)
    case let error as PoolError:
      return (
        error.isUsers ? .error : .infrastructure, luaInterrupt.reason.map(interrupted) ?? failure.message
      )
    default: return (.error, failure.message)
    }
  }

  private func interrupted(_ reason: String) -> String { "\(reason) during: \(activityText)" }
}
