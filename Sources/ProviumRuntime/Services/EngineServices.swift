package import ProviumEvents
package import ProviumArchitecture
import ProviumBoot
package import ProviumVM
import ProviumSystem
import Synchronization

/// The services that all scopes of a process share, for VMs: configuration, host, resource pool, warm VMs, events.
/// Thread-safe. `Engine` owns it.
package final class EngineServices: Sendable {
  package let configuration: Configuration
  package let options: EngineOptions
  package let events: EventStream
  package let pool: ResourcePool
  package let run: RunDirectory
  package let accelerator: AcceleratorVerdict
  package let channel: ChannelVerdict

  let digests: DigestCache
  let warmPool: WarmPool
  let meter: MemoryMeter
  let debugLogs: DebugLogs
  let failures: FailureKeeper
  package let host: MachineHost
  private let counters: Counters

  /// The counters of a run, whatever kernels it boots.
  private final class Counters: Sendable {
    let machineNumber = Atomic<Int>(0)
    let warned = Mutex<Set<String>>([])
  }

  /// Finds out what the host offers. Boots nothing.
  /// - Throws: `EngineError` if the host lacks what `options` ask for.
  package init(configuration: Configuration, options: EngineOptions, sinks: [any EventSink]) throws {
    self.configuration = configuration
    self.options = options
    let cache = configuration.settings.cache
    do { try Files.createDirectories(cache) } catch {
      throw EngineError.cache(path: cache, reason: "\(error)")
    }
    accelerator = try Self.accelerator(options, cache: cache)
    channel = try Self.channel(options)
    run = try RunDirectory()
    if options.logLevel != .off { run.keep() }
    events = EventStream(sinks)
    debugLogs = DebugLogs(run: run.path, level: options.logLevel, events: events)
    pool = ResourcePool(options.budget)
    meter = MemoryMeter()
    digests = DigestCache(folder: "\(cache)/digests")
    let kept = options.keptFailures ?? configuration.settings.keptFailures
    failures = FailureKeeper(
      store: FailureStore(cache: cache, maximum: configuration.settings.keptMaximum),
      limit: kept
    )
    counters = Counters()
    host = MachineHost(
      cache: cache,
      accelerator: accelerator,
      channel: channel,
      run: run,
      timeoutMultiplier: options.timeoutMultiplier ?? configuration.settings.timeoutMultiplier,
      keepsFailures: kept > 0,
      forksQEMU: options.forksQEMU
    )
    warmPool = WarmPool(
      host: host,
      pool: pool,
      events: events,
      logs: debugLogs,
      limit: configuration.settings.warmVMs,
      resumeTimeout: configuration.settings.bootTimeout
    )
    pool.onNeed { [weak warmPool] in warmPool?.endOne() ?? false }
  }

  /// The same services for profiles that boot another kernel where they name none. Everything else is shared: `close` of the
  /// original ends both.
  init(_ shared: EngineServices, kernel: String) {
    var configuration = shared.configuration
    configuration.kernel = kernel
    self.configuration = configuration
    options = shared.options
    events = shared.events
    pool = shared.pool
    run = shared.run
    accelerator = shared.accelerator
    channel = shared.channel
    digests = shared.digests
    warmPool = shared.warmPool
    meter = shared.meter
    debugLogs = shared.debugLogs
    host = shared.host
    counters = shared.counters
    failures = shared.failures
  }

  private static func accelerator(_ options: EngineOptions, cache: String) throws -> AcceleratorVerdict {
    if options.accelerator == .tcg {
      guard !options.requiresKVM else { throw EngineError.contradiction }
      return AcceleratorVerdict(.tcg, reason: "asked for")
    }
    let verdict = AcceleratorProbe.verdict(cache: cache)
    if verdict.accelerator == .tcg, options.requiresKVM || options.accelerator == .kvm {
      throw EngineError.noKVM(reason: verdict.reason)
    }
    return verdict
  }

  private static func channel(_ options: EngineOptions) throws -> ChannelVerdict {
    switch options.channel {
    case .serial: return ChannelVerdict(.virtioSerial, reason: "asked for")
    case .auto: return ChannelVerdict.choose()
    case .vsock:
      let verdict = ChannelVerdict.choose()
      guard verdict.kind == .vsock else { throw EngineError.noVsock(reason: verdict.reason) }
      return verdict
    }
  }

  /// The accelerators of the host's own architecture, and of each other one that a profile names and a QEMU is installed for.
  private var verdicts: [AcceleratorVerdict] {
    [accelerator] + foreignArchitectures.map { host.accelerator(for: $0) }
  }

  /// The architectures besides the host's that a profile names and a QEMU is installed for.
  private var foreignArchitectures: [Architecture] {
    configuration.foreignArchitectures.filter { (try? host.qemu(for: $0)) != nil }
  }

  /// The factor by which time limits grow that are not one VM's: the largest of the profiles.
  package var timeoutMultiplier: Double {
    (((try? [Architecture.host]) ?? []) + foreignArchitectures).map { timeoutMultiplier(for: $0) }.max() ?? 1
  }

  /// The factor by which time limits of VMs of one architecture grow.
  package func timeoutMultiplier(for architecture: Architecture) -> Double {
    host.timeoutMultiplier(for: architecture)
  }

  /// The reason why the accelerator is not KVM, or which guests KVM does not run.
  package var acceleratorReason: String {
    Self.reason(verdicts)
  }

  /// - Parameter verdicts: that of the host's own architecture first.
  static func reason(_ verdicts: [AcceleratorVerdict]) -> String {
    // If the host's own guests are emulated, all others are, too.
    let told = verdicts.first?.accelerator == .kvm ? verdicts[...] : verdicts.prefix(1)
    return told.map(\.reason).filter { !$0.isEmpty }.joined(separator: "; ")
  }

  /// The version of QEMU for the host's own guests; nil if it is not installed.
  package var qemuVersion: String? { try? host.qemu(for: .host).version }

  /// Why there is no usable QEMU for the host's own guests, and what to do; nil if there is one.
  package var qemuComplaint: String? {
    do {
      _ = try host.qemu(for: .host)
      return nil
    } catch { return "\(error)" }
  }

  func nextMachineNumber() -> Int { counters.machineNumber.add(1, ordering: .relaxed).newValue }

  /// Reports a warning that concerns all files, once.
  func warnOnce(_ text: String, file: String?) {
    if counters.warned.withLock({ $0.insert(text).inserted }) {
      events.send(.warning(file: file, text: text))
    }
  }

  /// Ends the warm VMs: after this, all reservations are released.
  package func endWarmVMs() { warmPool.close() }

  /// Ends everything, and removes the run directory unless it is to be kept.
  package func close() {
    endWarmVMs()
    meter.close()
    host.forkServers.end()
    run.close()
  }
}
