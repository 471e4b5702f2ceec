import ProviumSystem

/// VMs that only save time: a test goes on without them.
extension ResourcePool {
  /// Reserves for such a VM, without waiting.
  /// - Returns: nil where the reservation would delay a request, or take more processors than the host has.
  func reserveSpare(
    _ request: PoolRequest,
    owner: PoolOwner,
    name: String,
    tell: @escaping @Sendable (PoolNotice) -> Void
  ) -> PoolReservation? {
    repeat {
      let (number, lacksMemory) = state.update { state -> (Int?, Bool) in
        guard state.waiting.isEmpty, hasProcessors(for: request, state) else { return (nil, false) }
        guard hasMemory(for: request, state) else {
          return (nil, state.holdings.values.contains(where: \.isWarm))
        }
        defer { state.next += 1 }
        let ticket = PoolState.Ticket(
          number: state.next,
          owner: owner,
          name: name,
          request: request,
          tell: tell
        )
        grant(ticket, isWarm: false, &state)
        return (state.next, false)
      }
      if let number { return PoolReservation(number: number, request: request, pool: state) }
      guard lacksMemory else { return nil }
    } while endOneWarmVM()
    return nil
  }

  /// Whether a request waits, for which VMs that only save time should end.
  var isWanted: Bool { state.read { !$0.waiting.isEmpty } }

  /// Warm VMs wait, and take no processor.
  private func hasProcessors(for request: PoolRequest, _ state: PoolState) -> Bool {
    let used = state.holdings.values.filter { !$0.isWarm }.reduce(request.cpus) { $0 + $1.cpus }
    switch budget {
    case .fixed(_, let cpus): return used <= cpus ?? max(1, HostFacts.processors)
    case .automatic: return used <= capacity().processors
    }
  }

  private func hasMemory(for request: PoolRequest, _ state: PoolState) -> Bool {
    switch budget {
    case .fixed(let memory?, _): return state.memory + request.memory <= memory
    case .fixed(nil, _), .automatic:
      let host = capacity()
      return host.pressure.memory < 5 && host.available >= host.reserve + promised(state) + 2 * request.memory
    }
  }
}
