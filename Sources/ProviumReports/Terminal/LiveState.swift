package import ProviumEvents

/// The current state of a run, from which the live area is drawn.
package struct LiveState: Sendable {
  /// A running file.
  struct Running: Sendable {
    let file: String
    let started: Double
    var activity = ""
    var subTest = ""
    var isWaiting = false
  }

  /// The seconds that each file took in its last run.
  let expected: [String: Double]
  private(set) var running: [Running] = []
  private(set) var memory: [Int: UInt64] = [:]
  private(set) var done = 0
  private(set) var failed = 0
  private(set) var total = 0
  private(set) var parallel = 1
  private(set) var hasStarted = false
  private(set) var hasEnded = false
  /// Files that have not started, and how often each will run.
  private var ahead: [String: Int] = [:]
  /// The sum of the durations of the finished files, in seconds.
  private var took = 0.0

  /// - Parameter expected: the seconds that each file took in its last run.
  package init(expected: [String: Double] = [:]) { self.expected = expected.filter { $0.value > 0 } }

  /// Takes the next event; `time` is seconds since the run began.
  package mutating func add(_ event: RunEvent, at time: Double) {
    switch event {
    case .runStarted(let header):
      hasStarted = true
      total = header.files.count
      parallel = max(1, header.parallel)
      for file in header.files { ahead[file, default: 0] += 1 }
    case .fileStarted(let file, let attempt):
      if attempt == 0, let count = ahead[file] { ahead[file] = count > 1 ? count - 1 : nil }
      running.append(Running(file: file, started: time))
    case .fileEnded(let result): end(result)
    case .machineStarted(let machine): memory[machine.id] = machine.memory
    case .machineEnded(let id, _): memory[id] = nil
    case .runEnded: hasEnded = true
    default: changeRunning(event)
    }
  }

  private mutating func changeRunning(_ event: RunEvent) {
    switch event {
    case .activity(let file, let text):
      hasStarted = true
      // `provium run` has no file; its activity is shown too.
      if file.isEmpty, !running.contains(where: { $0.file.isEmpty }) {
        running.append(Running(file: "", started: 0))
      }
      change(file) { $0.activity = text }
    case .subTestStarted(let file, let path, _): change(file) { $0.subTest = path.joined(separator: " / ") }
    case .subTestEnded(let file, let result):
      change(file) { $0.subTest = result.path.dropLast().joined(separator: " / ") }
    case .poolWaiting(let file, _, _): change(file) { $0.isWaiting = true }
    case .poolGranted(let file, _, _, _, _): change(file) { $0.isWaiting = false }
    default: break
    }
  }

  private mutating func change(_ file: String, _ body: (inout Running) -> Void) {
    if let index = running.lastIndex(where: { $0.file == file }) { body(&running[index]) }
  }

  private mutating func end(_ result: FileResult) {
    running.removeAll { $0.file == result.file }
    // Another attempt of a file does not add a finished file.
    if result.attempt == 0 { done += 1 }
    if result.hasFailed { failed += result.attempt == 0 ? 1 : 0 } else if result.attempt > 0 { failed -= 1 }
    took += result.duration
  }

  /// Estimates the seconds until the run's end, from the files' earlier durations and the mean of this run;
  /// nil without either.
  func remaining(at now: Double) -> Double? {
    guard total > 0, !expected.isEmpty || done > 0 else { return nil }
    let mean = done > 0 ? took / Double(done) : expected.values.reduce(0, +) / Double(expected.count)
    func left(_ file: String, after elapsed: Double) -> Double { max(0, (expected[file] ?? mean) - elapsed) }
    let active = running.map { left($0.file, after: now - $0.started) }
    let waiting = ahead.map { left($0.key, after: 0) * Double($0.value) }
    let work = active.reduce(0, +) + waiting.reduce(0, +)
    return max(work / Double(parallel), active.max() ?? 0, waiting.isEmpty ? 0 : work / Double(parallel))
  }
}
