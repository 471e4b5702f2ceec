import ProviumArchitecture
import ProviumEvents
import ProviumAgentClient
import ProviumBoot
import ProviumLua
import ProviumVM
import ProviumSystem
import Synchronization

/// A machine as a script holds it: `vm`. The handle stays the same when the machine behind it is replaced.
final class ScriptMachine: GuestHolder, @unchecked Sendable {
  // Sendable for `killFromOutside` alone, which touches only what is locked; all else is the file's thread's.

  /// What `vm:state()` gives.
  enum State: String {
    case created, booted, paused, shutdown, dead
  }

  unowned let session: FileSession
  let profile: Profile
  private(set) var state = State.created
  private(set) var machine: VirtualMachine?
  /// All that were ever spawned: a restore may bring any of them back.
  private(set) var workers: [ScriptWorker] = []
  var history = MachineHistory()
  /// What QEMU runs at the moment, also while it boots.
  private let running = Mutex<QEMUProcess?>(nil)
  private var claim: MachineClaim?
  /// Of the meter, while it watches what a copy-on-write machine costs.
  private var reading: Int?
  private var identifier = 0
  /// Counts operations over all machines of the process: the highest was used last.
  var lastUse: UInt64 = 0
  var splats = SplatWatch()
  /// Why it is dead.
  var death: String?
  /// Also of a machine that is gone: failures still show them, and its console.
  private(set) var operations = OperationLog()
  var lastConsole: [String] = []
  /// What its image was made from, and files of the host that were injected or attached: for a fixture's key.
  /// Of all its boots, also of those that failed.
  private(set) var imageInputs: [BootImage.Input] = []
  private(set) var hostFiles: [FixtureInput] = []
  private(set) var hasTriedToBoot = false
  /// The state that each fresh sub-test starts from.
  var freshStart: FreshStart?
  /// The fixture that it was resumed from, and how far `lastUse` had come then.
  private var resumed: (from: ReadyFixture, at: UInt64)?
  /// That fixture, while the machine is what it was when it was resumed.
  var untouchedFixture: ReadyFixture? { resumed.flatMap { $0.at == lastUse ? $0.from : nil } }

  init(profile: Profile, session: FileSession) {
    self.profile = profile
    self.session = session
  }

  var architecture: Architecture {
    machine?.session.architecture ?? profile.architecture ?? (try? .host) ?? .x86_64
  }
  var jobHolder: String { "the vm" }
  var label: String { identifier == 0 ? profile.name : "vm\(identifier) (\(profile.name))" }

  /// Time limits of its operations are multiplied by this.
  var timeScale: Double { session.engine.timeScale(for: architecture) }

  // MARK: Life

  func boot(_ settings: MachineConfiguration) throws {
    guard state == .created || state == .shutdown else {
      throw UnnamedMisuse("the machine is \(state.rawValue) already")
    }
    let engine = session.engine
    identifier = engine.nextMachineNumber()
    hasTriedToBoot = true
    let configuration = settings.applying(profile)
    try admit(
      PoolRequest(memory: configuration.memory.bytes, cpus: configuration.cpus, isColdBoot: true)
    )
    let begin = Deadline.now
    var bootLimit: TimeLimit?
    session.events.send(.machineStarted(description(of: configuration, origin: "boot")))
    do {
      let host = try engine.host()
      // First: then come copies of its disks, and the files as they are now go in.
      if session.workplace != nil { hostFiles += try configuration.hostFiles(digests: engine.digests) }
      let storage = try session.storage(for: configuration, machine: identifier)
      let limit = TimeLimit(
        of: "the boot's",
        length: configuration.bootTimeLimit,
        scale: timeScale
      )
      bootLimit = limit
      let machine = try VirtualMachine.boot(
        configuration,
        name: label,
        storage: storage,
        on: host,
        until: min(limit.deadline, session.scriptDeadline),
        stage: { [session, label] in session.activity("booting \(label): \($0)") },
        built: { image in imageInputs += image.inputs },
        started: noteRunning
      )
      adopt(machine, since: begin)
    } catch {
      let fault = failedToStart("\(error)", console: (error as? BootFailure)?.console ?? [])
      let reached = session.reachedLimit ?? bootLimit.flatMap { $0.deadline.isExpired ? $0 : nil }
      throw HarnessFault(
        reached.map { "\(fault.reason)\n\($0.description) was reached" } ?? fault.reason,
        kind: session.reachedLimit == nil ? .infrastructure : .timeout
      )
    }
  }

  /// There is no machine: what was taken for it is given back.
  @discardableResult
  func failedToStart(_ said: String, console: [String]) -> HarnessFault {
    let reason = said + (session.shortage.map { "; \($0)" } ?? "")
    giveBack()
    splats.detach()
    state = .dead
    death = reason
    lastConsole = console
    lastUse = Self.tick()
    session.events.send(.machineEnded(id: identifier, reason: reason))
    return HarnessFault(reason)
  }

  /// From here on the machine can be ended from another thread, and what its kernel reports is seen.
  func noteRunning(_ process: QEMUProcess) {
    running.withLock { $0 = process }
    splats.attach(process.console)
    // The interrupt may have come before there was anything to end.
    if session.isInterrupted { process.kill() }
  }

  /// What was taken for a machine that is no more.
  private func giveBack() {
    running.withLock { $0 = nil }
    reading.map(session.engine.meter.end)
    reading = nil
    claim = nil
  }

  /// From now on the machine is charged what it has of its own.
  func watchCost() {
    guard let machine, let claim else { return }
    reading = session.engine.meter.watch(machine.process) { [weak claim] in claim?.charge($0) }
  }

  /// Admission for a resume.
  func admitResume(of snapshot: Snapshot) throws {
    identifier = session.engine.nextMachineNumber()
    // A fixture's script writes to a copy of its own: that is all of it.
    let memory = session.workplace == nil ? min(snapshot.memory, Self.resumedCost) : snapshot.memory
    try admit(PoolRequest(memory: memory, cpus: snapshot.cpus, isColdBoot: false))
  }

  func announceResume(of snapshot: Snapshot, origin: String) {
    var description = MachineDescription(
      id: identifier,
      file: session.file.name,
      profile: profile.name,
      memory: snapshot.memory,
      cpus: snapshot.cpus,
      origin: origin
    )
    description.kernel = snapshot.kernelRelease
    session.events.send(.machineStarted(description))
  }

  /// The machine was put to rest: it is over, the handle and its workers are not.
  func rest() { end(.paused, reason: "put to rest") }

  /// The machine goes, to be replaced.
  func discard(_ reason: String) {
    machine?.kill()
    end(.paused, reason: reason)
    state = .paused
  }

  /// From here on nothing has happened to it that the fixture does not hold.
  func noteResumed(from fixture: ReadyFixture) { resumed = (fixture, lastUse) }

  /// Whatever there is goes: the handle is again what it was before a boot.
  func goBack(to before: State) {
    discard("its sub-test ended")
    state = before
  }

  /// Takes over a machine that is up. What was before is no past of it, unless `goOn` says so.
  func adopt(_ machine: VirtualMachine, since begin: UInt64) {
    self.machine = machine
    history = MachineHistory()
    operations = machine.agent.operations
    noteRunning(machine.process)
    state = .booted
    death = nil
    lastUse = Self.tick()
    claim?.bootFinished()
    session.activity("running")
    session.events.send(
      .machineReady(
        id: identifier,
        duration: Double(Deadline.now - begin) / 1e9,
        kernel: machine.image.release
      )
    )
    for remark in machine.image.remarks { session.engine.warnOnce(remark, file: session.file.name) }
  }

  private func admit(_ request: PoolRequest) throws {
    session.activity("waiting for \(Quantity.text(bytes: request.memory)) of the resource pool")
    claim = try session.admit(request)
  }

  private func description(of configuration: MachineConfiguration, origin: String) -> MachineDescription {
    MachineDescription(
      id: identifier,
      file: session.file.name,
      profile: profile.name,
      memory: configuration.memory.bytes,
      cpus: configuration.cpus,
      origin: origin
    )
  }

  func shutDown() {
    guard state == .booted || state == .paused, let machine else { return }
    session.activity("shutting \(label) down")
    machine.shutdown()
    end(.shutdown, reason: "shut down")
  }

  /// Ends QEMU now. Twice is fine.
  func kill(_ reason: String) {
    guard let machine else { return }
    machine.kill()
    end(state == .booted || state == .paused ? .dead : state, reason: reason)
  }

  /// From another thread: what the file's thread waits for ends, and says so.
  func killFromOutside() { running.withLock { $0 }?.kill() }

  /// From another thread, as long as it runs.
  var tailFromOutside: [String]? { running.withLock { $0 }?.console.tail(20) }

  /// The machine may have died while nobody looked.
  func noticeDeath() {
    if let machine, state == .booted, let cause = machine.causeOfDeath { _ = died("\(cause)", machine) }
  }

  func end(_ state: State, reason: String) {
    guard let machine else { return }
    lastConsole = consoleTail
    splats.detach()
    session.keepConsole(of: machine, label: label)
    machine.discardDirectory()
    // Its memory, unless that has become a snapshot's.
    if case .sharedFile(let memory) = machine.process.wiring.memory { try? Files.removeTree(memory) }
    self.machine = nil
    self.state = state
    if state == .dead { death = death ?? reason }
    for worker in workers { worker.detach() }
    giveBack()
    session.events.send(.machineEnded(id: identifier, reason: reason))
  }

  // MARK: Workers

  func spawn(thread: Bool) throws -> ScriptWorker {
    let machine = try usable()
    let worker = try guarded("spawn", on: machine, allowance: .zero) {
      try machine.agent.spawnWorker(thread: thread, until: $0)
    }
    let handle = ScriptWorker(worker, of: self)
    workers.append(handle)
    return handle
  }

  // MARK: What failures show

  /// The last operations, in the style of strace.
  var traceLines: [String] { operations.lines }
  var consoleTail: [String] { machine?.console.tail(20) ?? lastConsole }

  private static let clock = Atomic<UInt64>(0)
  static func tick() -> UInt64 { clock.add(1, ordering: .relaxed).newValue }
  /// How many operations there have been: a later `lastUse` is greater.
  static var uses: UInt64 { clock.load(ordering: .relaxed) }
}
