import ProviumSystem

/// The party that holds and asks: a file, a test, or the spares.
package typealias PoolOwner = Int

/// Who holds what, who asks for what, and who waits for whom: behind the pool's lock.
struct PoolState {
  struct Ticket {
    let number: Int
    let owner: PoolOwner
    let name: String
    let request: PoolRequest
    let asked = Deadline.now
    let tell: @Sendable (PoolNotice) -> Void
    var refusal: PoolError?
  }
  struct Holding {
    let owner: PoolOwner
    let name: String
    var memory: UInt64
    let cpus: Int
    var isBooting: Bool
    let grantedAt: UInt64
    /// Gives way to whatever is asked for: a spare.
    let isSpare: Bool
    let tell: @Sendable (PoolNotice) -> Void
  }
  /// One owner that can only go on when another one has.
  struct Wait {
    let other: PoolOwner
    /// `the fixture big, which b.lua builds`.
    let what: String
  }

  var next = 1
  var waiting: [Ticket] = []
  var holdings: [Int: Holding] = [:]
  var waits: [PoolOwner: Wait] = [:]
  /// Since when nobody that holds something can go on.
  var stuckSince: UInt64?

  var memory: UInt64 { holdings.values.reduce(0) { $0 + $1.memory } }
  var cpus: Int { holdings.values.reduce(0) { $0 + $1.cpus } }
  var boots: Int { holdings.values.count { $0.isBooting } }
  /// Nothing is out but spares.
  var isIdle: Bool { holdings.values.allSatisfy(\.isSpare) }

  /// Those on whom it depends whether what is out comes back: every holder, or the one that it waits for, by way of others.
  /// They go first.
  var pressing: Set<PoolOwner> {
    Set(holdings.values.filter { !$0.isSpare }.map { acting(for: $0.owner) })
  }

  /// The end of the chain of waits that begins with `owner`.
  private func acting(for owner: PoolOwner) -> PoolOwner {
    var (here, seen): (PoolOwner, Set<PoolOwner>) = (owner, [])
    while seen.insert(here).inserted, let wait = waits[here] { here = wait.other }
    return here
  }

  /// Requests of those who press, in order.
  var urgent: [Ticket] {
    let pressing = pressing
    return waiting.filter { $0.refusal == nil && pressing.contains($0.owner) }
  }

  /// Nobody who holds something goes on by itself: what is out comes back only if one of the urgent requests is granted.
  var isHeldUp: Bool {
    let pressing = pressing
    return !pressing.isEmpty && boots == 0 && pressing.isSubset(of: waiting.map(\.owner))
  }

  /// The request whose turn it is.
  func turn(fits: (Ticket) -> Bool) -> Ticket? {
    let urgent = urgent
    guard let first = urgent.first else { return waiting.first { $0.refusal == nil } }
    // A first one that waits for what the others hold must not hold them back.
    return isHeldUp ? urgent.first(where: fits) ?? first : first
  }

  /// Each holder with what it waits for, for people.
  var holders: [String] {
    let owners = Set(holdings.values.filter { !$0.isSpare }.map(\.owner)).sorted()
    return owners.compactMap { owner in
      let held = holdings.values.filter { $0.owner == owner && !$0.isSpare }
      guard let name = held.first?.name else { return nil }
      let memory = Quantity.text(bytes: held.reduce(0) { $0 + $1.memory })
      let what = waits[owner]?.what ?? waiting.first { $0.owner == owner }?.request.text ?? "others"
      return "\(name) holds \(memory) and waits for \(what)"
    }
  }
}
