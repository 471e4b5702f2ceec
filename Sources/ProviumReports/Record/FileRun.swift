package import ProviumEvents

/// One run of one test file.
package struct FileRun: Sendable {
  /// A sub-test that has begun and not ended.
  struct OpenSubTest {
    var path: [String]
    var location: ScriptLocation
    var started: Double
  }

  /// Relative to the tests' root.
  package let file: String
  /// As in `FileResult`.
  package let attempt: Int
  /// 0, or n for the n-th repetition of the file in one run (`--repeat`).
  package let round: Int
  /// Seconds since the run began.
  package let started: Double
  /// nil while it runs, or when its end was never told.
  package internal(set) var result: FileResult?
  /// What it was doing last.
  package internal(set) var activity = ""
  /// Another attempt took its place.
  package internal(set) var isSuperseded = false
  var endTime: Double?
  var open: [OpenSubTest] = []
  /// Until the result comes, which has them too.
  var ended: [SubTestResult] = []

  init(file: String, attempt: Int, round: Int, started: Double) {
    self.file = file
    self.attempt = attempt
    self.round = round
    self.started = started
  }

  /// The file, and which run of it: `boot.lua`, `boot.lua (run 2)`.
  package var title: String { round == 0 ? file : "\(file) (run \(round + 1))" }

  /// Seconds since the run began; `now` while it runs.
  package func end(at now: Double) -> Double { max(started, endTime ?? now) }

  /// The result; made up from what is known when the file's end was never told.
  package func finished(at now: Double, because reason: String?) -> FileResult {
    if let result { return result }
    let doing = activity.isEmpty ? "" : " during: \(activity)"
    let failure = Failure(
      kind: .infrastructure,
      message: "did not end: \(reason ?? "the run was interrupted")\(doing)"
    )
    let unfinished = open.map { test in
      SubTestResult(
        path: test.path,
        outcome: .failed(failure),
        duration: max(0, now - test.started),
        location: test.location
      )
    }
    var result = FileResult(
      file: file,
      outcome: .failed(failure),
      subTests: ended + unfinished,
      duration: max(0, now - started)
    )
    result.attempt = attempt
    return result
  }
}

/// One machine's life.
package struct MachineRun: Sendable {
  /// With the kernel, once it is known.
  package internal(set) var description: MachineDescription
  /// Seconds since the run began.
  package let started: Double
  /// Seconds from the start until the agent answered.
  package internal(set) var readyAfter: Double?
  /// Seconds since the run began; nil while it lives.
  package internal(set) var ended: Double?
  /// Why it ended.
  package internal(set) var reason = ""

  init(description: MachineDescription, started: Double) {
    self.description = description
    self.started = started
  }
}

/// A file's claim on the pool, from asking to giving back.
package struct PoolClaimSpan: Sendable {
  /// The file that asked; empty for warm VMs.
  package let file: String
  /// Bytes.
  package let memory: UInt64
  /// Processors.
  package let cpus: Int
  /// Seconds since the run began.
  package let asked: Double
  /// nil while it waits.
  package internal(set) var granted: Double?
  /// nil while it is held.
  package internal(set) var released: Double?
  /// When it came to cost more than was asked for, and how many bytes.
  package internal(set) var growth: [(time: Double, memory: UInt64)] = []

  init(file: String, memory: UInt64, cpus: Int, asked: Double) {
    self.file = file
    self.memory = memory
    self.cpus = cpus
    self.asked = asked
  }
}
