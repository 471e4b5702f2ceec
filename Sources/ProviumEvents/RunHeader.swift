package import ProviumJSON

/// The facts about a run that are known when it begins: the header line, and the first event of every report.
package struct RunHeader: Sendable, Hashable, JSONFlattened {
  /// Provium's version.
  package var version: String
  /// QEMU's version, such as `7.2.22`; empty while nothing has needed QEMU.
  package var qemu: String
  /// `kvm` or `tcg`.
  package var accelerator: String
  /// The reason for that accelerator: `/dev/kvm does not run guest code`.
  package var acceleratorReason: String
  /// `vsock` or `virtio-serial`.
  package var channel: String
  /// The reason for that channel.
  package var channelReason: String
  /// The timeout multiplier; 1 with KVM.
  package var timeScale: Double
  /// How many times slower emulated code runs than the host's own, as measured; nil with KVM, and where
  /// nothing was measured.
  package var slowdown: Double?
  /// Relative paths of the files that will run, in their order.
  @EmptyWhenAbsent package var files: [String]
  /// The number of files that run at the same time.
  package var parallel: Int
  /// In seconds since 1970, UTC.
  package var startedAt: Double
  /// The seed of `--shuffle`.
  package var seed: UInt64?
  /// `resource pool: 4096M memory, 8 CPUs`; nil unless the pool is a fixed one.
  package var pool: String?
  /// The folder in which the run keeps its logs.
  package var runDirectory: String
  /// nil for a run of the whole suite.
  package var shard: RunShard?
  /// The kernels that the run was told to boot, as the user named them. With several, each file runs on each of them, and its
  /// name ends in ` [KERNEL]`: see `cell(of:)`.
  @OmittedWhenEmpty package var kernels: [String]

  private enum CodingKeys: String, CodingKey {
    case version, qemu, accelerator
    case acceleratorReason = "accelerator_reason"
    case channel
    case channelReason = "channel_reason"
    case timeScale = "time_scale"
    case slowdown, files, parallel
    case startedAt = "started_at"
    case seed, pool
    case runDirectory = "run_directory"
    case shard, kernels
  }

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
    shard: RunShard? = nil,
    kernels: [String] = []
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
    self.kernels = kernels
  }
}
