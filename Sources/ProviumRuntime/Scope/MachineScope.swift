package import ProviumEvents
package import ProviumSystem

/// The owner of the VMs, time limits and events of one test file, Swift test, `provium run`, or fixture build.
///
/// Belongs to the thread that runs it; other threads use its `control`.
package final class MachineScope {
  package let control: ScopeControl
  package let context: MachineContext
  package let machines: MachineSet
  /// Where fixtures are looked up.
  package let fixtureSearch: FixtureSearch
  /// The fixtures that were resumed, in order.
  package private(set) var usedFixtures: [UsedFixture] = []
  /// The host files that the resumed fixtures were made from.
  package private(set) var fixtureSources: Set<String> = []

  /// - Parameter workFolder: where VMs keep their memory and disks while a fixture is built; nil in every other scope.
  package init(_ control: ScopeControl, fixtureSearch: FixtureSearch, workFolder: String? = nil) {
    self.control = control
    self.fixtureSearch = fixtureSearch
    context = MachineContext(
      name: control.name,
      services: control.services,
      events: control.events,
      limits: ScopeLimits(
        control.limitWatch,
        sample: { [processes = control.processes] in processes.sample }
      ),
      cancellation: control.cancellation,
      admission: control.admission,
      processes: control.processes,
      workFolder: workFolder
    )
    machines = MachineSet(context)
  }

  package var name: String { control.name }
  package var owner: PoolOwner { control.owner }
  package var services: EngineServices { control.services }
  package var events: EventStream { control.events }
  package var limits: ScopeLimits { context.limits }
  package var cancellation: Cancellation { control.cancellation }
  package var isCancelled: Bool { cancellation.isRequested }
  /// The fixtures that the scope builds, outermost first; empty in every other scope.
  package var fixtures: [FixtureInProgress] { control.fixtures }
  package var isBuildingFixture: Bool { context.workFolder != nil }

  /// Reports what the scope does now.
  package func activity(_ text: String) { context.activity(text) }

  /// Runs `body` under a time limit that is multiplied by the timeout multiplier.
  /// - Parameter owner: of the limit, for messages: `the file's`.
  package func limited<Result>(_ owner: String, to length: Duration, _ body: (Deadline) throws -> Result)
    rethrows
    -> Result
  {
    let limit = TimeLimit(
      of: owner,
      length: length,
      multiplier: services.timeoutMultiplier,
      sample: limits.sample
    )
    limits.push(limit)
    defer { limits.pop() }
    return try body(limit.deadline)
  }

  /// Reserves what all VMs of the scope need together.
  /// - Throws: `PoolError`; `ProviumError` if it comes too late.
  package func reserve(_ request: PoolRequest) throws {
    guard !context.admission.hasReservation, machines.count == 0 else {
      if isCancelled { throw PoolError.interrupted }
      throw ProviumError(.invalidUse, "once, and before the first machine")
    }
    try limits.suspended { try context.admission.reserve(request) }
  }

  /// A scope that builds `fixture` for this one. Its events are this scope's.
  package func child(building fixture: FixtureInProgress, search: FixtureSearch, workFolder: String?)
    -> MachineScope
  {
    MachineScope(control.child(building: fixture), fixtureSearch: search, workFolder: workFolder)
  }

  /// Runs `body`, during which a request to end this scope reaches `child` too.
  package func running<Result>(_ child: MachineScope, _ body: () throws -> Result) rethrows -> Result {
    try control.running(child.control, body)
  }

  /// Remembers a fixture that was resumed, and the host files that it was made from.
  package func note(_ fixture: UsedFixture, madeFrom sources: Set<String>) {
    usedFixtures.append(fixture)
    fixtureSources.formUnion(sources)
  }

  /// Ends all VMs and gives the reservation back. Idempotent.
  package func end() {
    machines.endAll()
    context.networks.end(after: 0)
    context.admission.endReservation()
  }
}
