package import ProviumEvents
import ProviumSystem
import Synchronization

/// The thread-safe part of a scope: what other threads may ask of it, and how they end it. Made before the scope itself,
/// which belongs to the thread that runs it.
package final class ScopeControl: Sendable {
  /// A script that runs in the scope, as other threads see it.
  package struct Script: Sendable {
    /// Whether the thread is in the script, or in a function of its language's library.
    let isRunning: @Sendable () -> Bool
    /// Ends the host programs that the script waits for.
    let endPrograms: @Sendable () -> Void

    package init(isRunning: @escaping @Sendable () -> Bool, endPrograms: @escaping @Sendable () -> Void) {
      self.isRunning = isRunning
      self.endPrograms = endPrograms
    }
  }

  /// The name of the file or test, for events and messages.
  package let name: String
  /// The number by which the resource pool knows the scope.
  package let owner: PoolOwner
  package let services: EngineServices
  /// The time limit of everything in the scope, before the timeout multiplier.
  package let timeout: Duration
  package let cancellation = Cancellation()
  package let events: EventStream
  package let ledger: ScopeLedger
  package let limitWatch = LimitWatch()
  /// The fixtures that the scope builds, outermost first; empty in every other scope.
  package let fixtures: [FixtureInProgress]
  let admission: ScopeAdmission
  let processes = RunningProcesses()
  private let script = Mutex<Script?>(nil)
  /// The scope of a fixture that this one builds.
  private let inner = Mutex<ScopeControl?>(nil)

  /// - Parameters:
  ///   - owner: a number that no other scope of the process has, unless they wait for the pool as one.
  ///   - events: receives the scope's events; nil: the engine's events.
  package convenience init(
    name: String,
    owner: PoolOwner,
    services: EngineServices,
    events: EventStream? = nil,
    timeout: Duration? = nil
  ) {
    self.init(
      name: name,
      owner: owner,
      services: services,
      events: events ?? services.events,
      timeout: timeout ?? services.configuration.settings.timeout,
      fixtures: []
    )
  }

  private init(
    name: String,
    owner: PoolOwner,
    services: EngineServices,
    events: EventStream,
    timeout: Duration,
    fixtures: [FixtureInProgress]
  ) {
    self.name = name
    self.owner = owner
    self.services = services
    self.timeout = timeout
    self.fixtures = fixtures
    ledger = ScopeLedger(events)
    self.events = EventStream([ledger])
    admission = ScopeAdmission(
      pool: services.pool,
      owner: owner,
      name: name,
      events: self.events,
      cancellation: cancellation
    )
    cancellation.onEnd { [processes] in processes.killAll() }
  }

  /// The control of a scope that builds `fixture` for this one.
  package func child(building fixture: FixtureInProgress) -> ScopeControl {
    ScopeControl(
      name: name,
      owner: owner,
      services: services,
      events: events,
      timeout: timeout,
      fixtures: fixtures + [fixture]
    )
  }

  /// Runs `body`, during which a request to end this scope reaches `child` too.
  package func running<Result>(_ child: ScopeControl, _ body: () throws -> Result) rethrows -> Result {
    inner.withLock { $0 = child }
    defer { inner.withLock { $0 = nil } }
    return try cancellation.forwarding(to: child.cancellation, while: body)
  }

  /// Makes the scope's script known, while it runs.
  package func setScript(_ script: Script?) { self.script.withLock { $0 = script } }

  // MARK: For the watch over stuck scripts

  /// The scope whose code the thread runs: that of a fixture, while one is built.
  package var innermost: ScopeControl { inner.withLock { $0 }?.innermost ?? self }

  /// Why the scope should have ended by now; nil if it may continue.
  package var overdue: (kind: FailureKind, reason: String)? {
    if let reason = cancellation.reason { return (.infrastructure, reason) }
    return limitWatch.expired.map { (.timeout, "\($0.description) was reached") }
  }

  /// Whether the thread is in the scope's script, and not in a function of Provium's, which has a deadline.
  package var isInScript: Bool { script.withLock { $0 }?.isRunning() ?? false }

  /// Ends the host programs that the scope's script waits for.
  package func endPrograms() { script.withLock { $0 }?.endPrograms() }

  /// The last console lines of the VM that was created last and runs.
  package var consoleTail: [String] { processes.consoleTail }

  /// Gives back everything that the scope, and the fixtures that it builds, hold of the resource pool.
  package func releaseReservations() {
    inner.withLock { $0 }?.releaseReservations()
    admission.releaseAll()
  }
}
