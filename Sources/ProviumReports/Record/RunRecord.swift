package import ProviumEvents

/// All events of a run, collected for the reports that are written at the run's end. The same events give the
/// same record. The record is complete at any time, also when the run was interrupted.
package struct RunRecord: Sendable {
  /// nil until the run has started.
  package private(set) var header: RunHeader?
  /// Each run of each file, in order of their starts.
  package private(set) var runs: [FileRun] = []
  /// In order of their starts.
  package private(set) var machines: [MachineRun] = []
  /// In order of their requests.
  package private(set) var reservations: [ReservationSpan] = []
  /// In order, each with the file that it concerns.
  package private(set) var warnings: [(file: String?, text: String)] = []
  /// The counts of `runEnded`; nil for a run without an end.
  package private(set) var ending: RunSummary?
  /// The time of the last event, in seconds since the run began.
  package private(set) var duration = 0.0

  /// The index in `runs` of each file's latest run, and the number of each file's runs without further
  /// attempts.
  private var current: [String: Int] = [:]
  private var rounds: [String: Int] = [:]
  private var machineIndex: [Int: Int] = [:]
  private var reservationIndex: [Int: Int] = [:]
  private var waiting: [String: Int] = [:]

  /// Makes a record without events.
  package init() {}

  /// Makes a record of `events`.
  package init(_ events: [TimedEvent]) {
    self.init()
    for timed in events { add(timed.event, at: timed.time) }
  }

  /// Adds the next event. `time` is in seconds since the run began.
  package mutating func add(_ event: RunEvent, at time: Double) {
    duration = max(duration, time)
    switch event {
    case .runStarted(let header): self.header = header
    case .fileStarted(let file, let attempt): start(file, attempt: attempt, at: time)
    case .activity(let file, let text): change(file) { $0.activity = text }
    case .subTestStarted(let file, let path, let location):
      change(file) { $0.open.append(.init(path: path, location: location, started: time)) }
    case .output: break
    case .subTestEnded(let file, let result):
      change(file) { run in
        if let index = run.open.lastIndex(where: { $0.path == result.path }) { run.open.remove(at: index) }
        run.ended.append(result)
      }
    case .warning(let file, let text): warnings.append((file, text))
    case .fileEnded(let result): end(result, at: time)
    case .runEnded(let summary): ending = summary
    case .machineStarted, .machineReady, .machineEnded: addMachine(event, at: time)
    case .poolWaiting, .poolGranted, .poolGrown, .poolReleased: addReservation(event, at: time)
    }
  }

  // MARK: Files

  private mutating func start(_ file: String, attempt: Int, at time: Double) {
    if attempt > 0, let earlier = current[file] { runs[earlier].isSuperseded = true }
    if attempt == 0 || rounds[file] == nil { rounds[file, default: 0] += 1 }
    current[file] = runs.count
    runs.append(FileRun(file: file, attempt: attempt, round: (rounds[file] ?? 1) - 1, started: time))
  }

  private mutating func change(_ file: String, _ body: (inout FileRun) -> Void) {
    if let index = current[file] { body(&runs[index]) }
  }

  private mutating func end(_ result: FileResult, at time: Double) {
    let isRunning = current[result.file].map { runs[$0].result == nil } ?? false
    if !isRunning {
      start(result.file, attempt: result.attempt, at: time - result.duration)
    }
    change(result.file) { run in
      run.result = result
      run.open = []
      run.ended = []
      run.endTime = time
    }
  }

  // MARK: VMs and the pool

  private mutating func addMachine(_ event: RunEvent, at time: Double) {
    switch event {
    case .machineStarted(let description):
      machineIndex[description.id] = machines.count
      machines.append(MachineRun(description: description, started: time))
    case .machineReady(let id, let duration, let kernel):
      guard let index = machineIndex[id] else { return }
      machines[index].readyAfter = duration
      machines[index].description.kernel = kernel ?? machines[index].description.kernel
    case .machineEnded(let id, let reason):
      guard let index = machineIndex[id] else { return }
      machines[index].ended = time
      machines[index].reason = reason
    default: break
    }
  }

  private mutating func addReservation(_ event: RunEvent, at time: Double) {
    switch event {
    case .poolWaiting(let file, let memory, let cpus):
      waiting[file] = reservations.count
      reservations.append(ReservationSpan(file: file, memory: memory, cpus: cpus, asked: time))
    case .poolGranted(let file, let reservation, let memory, let cpus, _):
      let index = waiting.removeValue(forKey: file) ?? reservations.count
      if index == reservations.count {
        reservations.append(ReservationSpan(file: file, memory: memory, cpus: cpus, asked: time))
      }
      reservations[index].granted = time
      reservationIndex[reservation] = index
    case .poolGrown(_, let reservation, let memory):
      if let index = reservationIndex[reservation] { reservations[index].growth.append((time, memory)) }
    case .poolReleased(_, let reservation):
      if let index = reservationIndex[reservation] { reservations[index].released = time }
    default: break
    }
  }
}

extension RunRecord {
  /// The result of each file's last attempt. A file that still runs when the events end has failed by an
  /// infrastructure error.
  package var results: [FileResult] {
    finalRuns.map { $0.finished(at: duration, because: ending?.stoppedEarly) }
  }

  /// The runs whose result counts: no later attempt replaced them.
  package var finalRuns: [FileRun] { runs.filter { !$0.isSuperseded } }

  /// The failed attempts before `run`, in order.
  func attempts(before run: FileRun) -> [FileResult] {
    runs.filter { $0.isSuperseded && $0.file == run.file && $0.round == run.round }.compactMap(\.result)
  }

  /// The counts of `runEnded`; counted from the results in a run without an end.
  package var summary: RunSummary {
    if let ending { return ending }
    var summary = RunSummary(counting: results)
    summary.duration = duration
    summary.stoppedEarly = "the run did not end"
    return summary
  }

  /// Files of the header that did not start.
  package var missing: [String] {
    let seen = Set(runs.map(\.file))
    return (header?.files ?? []).filter { !seen.contains($0) }
  }

  /// The kernel releases of all VMs, each once with its profile: `6.1.0 (default)`.
  package var kernels: [String] {
    var seen = Set<String>()
    return machines.compactMap { machine in
      guard let kernel = machine.description.kernel else { return nil }
      let text = "\(kernel) (\(machine.description.profile))"
      return seen.insert(text).inserted ? text : nil
    }
  }
}
