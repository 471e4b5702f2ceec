/// Which part of a suite a run is, where several share one.
package struct RunShard: Sendable, Codable, Hashable {
  /// From 1.
  package var index: Int
  package var total: Int
  /// The split weighs files by durations that were given; else it deals them out by name.
  package var isBalanced: Bool
  /// All files that the shards share.
  package var suite: [String]
  /// Those of this shard, whether they run this time or not.
  package var part: [String]

  package init(index: Int, total: Int, isBalanced: Bool, suite: [String], part: [String]) {
    self.index = index
    self.total = total
    self.isBalanced = isBalanced
    self.suite = suite
    self.part = part
  }
  /// `2/5`.
  package var name: String { "\(index)/\(total)" }
}

/// What a run is made with: the header line, and the first event of every report.
package struct RunHeader: Sendable, Codable, Hashable {
  package var version: String
  /// `7.2.22`; empty when nothing has needed QEMU yet.
  package var qemu: String
  /// `kvm`, or `tcg` …
  package var accelerator: String
  /// … and why: `/dev/kvm does not run guest code`.
  package var acceleratorReason: String
  /// `vsock`, `virtio-serial`.
  package var channel: String
  package var channelReason: String
  /// Time limits are multiplied by this; 1 with KVM.
  package var timeScale: Double
  /// Emulated code runs this many times slower than the host's own, by measurement; nil with KVM, and where it was not measured.
  package var slowdown: Double?
  /// Relative paths of the files that will run, in order.
  package var files: [String]
  /// Files that run at once.
  package var parallel: Int
  /// Seconds since 1970.
  package var startedAt: Double
  /// Of `--shuffle`.
  package var seed: UInt64?
  /// `resource pool: 4096M memory, 8 CPUs`, when it is a fixed one.
  package var pool: String?
  /// Where the run keeps its logs.
  package var runDirectory: String
  /// nil for a whole suite.
  package var shard: RunShard?

  package init(
    version: String,
    qemu: String,
    accelerator: String,
    acceleratorReason: String,
    channel: String,
    channelReason: String,
    timeScale: Double,
    slowdown: Double? = nil,
    files: [String],
    parallel: Int,
    startedAt: Double,
    seed: UInt64? = nil,
    pool: String? = nil,
    runDirectory: String,
    shard: RunShard? = nil
  ) {
    self.version = version
    self.qemu = qemu
    self.accelerator = accelerator
    self.acceleratorReason = acceleratorReason
    self.channel = channel
    self.channelReason = channelReason
    self.timeScale = timeScale
    self.slowdown = slowdown
    self.files = files
    self.parallel = parallel
    self.startedAt = startedAt
    self.seed = seed
    self.pool = pool
    self.runDirectory = runDirectory
    self.shard = shard
  }
}

/// One machine of a run.
package struct MachineDescription: Sendable, Codable, Hashable {
  /// Unique in the run.
  package var id: Int
  package var file: String
  package var profile: String
  /// Bytes of guest memory.
  package var memory: UInt64
  package var cpus: Int
  /// `boot`, `fixture base`, `spare base`, `restore`.
  package var origin: String
  /// Kernel release, once known.
  package var kernel: String?

  package init(id: Int, file: String, profile: String, memory: UInt64, cpus: Int, origin: String) {
    self.id = id
    self.file = file
    self.profile = profile
    self.memory = memory
    self.cpus = cpus
    self.origin = origin
  }
}

/// Everything that happens in a run, in order. The terminal, JUnit, TAP, JSON lines, HTML and the Swift Testing
/// bridge are consumers of this one stream.
package enum RunEvent: Sendable {
  case runStarted(RunHeader)
  case fileStarted(file: String, attempt: Int)
  /// What a file is doing now, for whoever watches: `booting default: kernel`, `exec make check`.
  case activity(file: String, text: String)
  case subTestStarted(file: String, path: [String], location: ScriptLocation)
  /// What `print` gave; `path` is empty outside sub-tests.
  case output(file: String, path: [String], text: String)
  case subTestEnded(file: String, result: SubTestResult)
  case machineStarted(MachineDescription)
  /// The agent has answered. Seconds since the start.
  case machineReady(id: Int, duration: Double, kernel: String?)
  case machineEnded(id: Int, reason: String)
  /// A file waits for the resource pool …
  case poolWaiting(file: String, memory: UInt64, cpus: Int)
  /// … was admitted (`waited` seconds) …
  case poolGranted(file: String, claim: Int, memory: UInt64, cpus: Int, waited: Double)
  /// … holds more by now than it asked for: `memory` bytes …
  case poolGrown(file: String, claim: Int, memory: UInt64)
  /// … and gave it back. `file` is empty for warm VMs.
  case poolReleased(file: String, claim: Int)
  /// Said once, above the results: a fixture rebuilt, a retry.
  case warning(file: String?, text: String)
  case fileEnded(FileResult)
  case runEnded(RunSummary)
}

/// Takes events, from any thread, in an order that is the same for all sinks.
package protocol EventSink: AnyObject, Sendable {
  /// - Parameter time: seconds since the run began.
  func receive(_ event: RunEvent, at time: Double)
  /// No event will follow: write what is still held back. Errors are the user's (a path that cannot be written).
  func finish() throws
}
