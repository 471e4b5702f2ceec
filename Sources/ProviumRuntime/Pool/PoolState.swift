import ProviumSystem

/// The party that holds and requests resources: a file or a test. `PoolState.warmOwner` holds the warm VMs.
package typealias PoolOwner = Int

/// All reservations, requests, and waits of one owner for another. Guarded by the pool's lock.
struct PoolState {
  /// A request that waits.
  struct Ticket {
    let number: Int
    let owner: PoolOwner
    let name: String
    let request: PoolRequest
    let asked = Deadline.now
    let tell: @Sendable (PoolNotice) -> Void
    var refusal: PoolError?
  }
  /// A reservation in force.
  struct Holding {
    let owner: PoolOwner
    let name: String
    var memory: UInt64
    let cpus: Int
    var isBooting: Bool
    let grantedAt: UInt64
    /// Whether it belongs to a warm VM, which is ended when a request needs its memory.
    let isWarm: Bool
    let tell: @Sendable (PoolNotice) -> Void
  }
  /// An owner that continues only when another one has.
  struct Wait {
    let other: PoolOwner
    /// `the fixture big, which b.lua builds`.
    let what: String
  }

  /// Owns the reservations of warm VMs.
  static let warmOwner: PoolOwner = -1

  var next = 1
  var waiting: [Ticket] = []
  var holdings: [Int: Holding] = [:]
  var waits: [PoolOwner: Wait] = [:]
  /// Since when no holder can continue by itself.
  var stuckSince: UInt64?

  var memory: UInt64 { holdings.values.reduce(0) { $0 + $1.memory } }
  var cpus: Int { holdings.values.reduce(0) { $0 + $1.cpus } }
  var boots: Int { holdings.values.count { $0.isBooting } }
  /// Whether warm VMs alone hold reservations.
  var isIdle: Bool { holdings.values.allSatisfy(\.isWarm) }

  /// The owners whose progress releases reservations: each holder, or the owner at the end of its chain of waits. Their
  /// requests are served first.
  var pressing: Set<PoolOwner> {
    Set(holdings.values.filter { !$0.isWarm }.map { acting(for: $0.owner) })
  }

  /// The end of the chain of waits that begins with `owner`.
  private func acting(for owner: PoolOwner) -> PoolOwner {
    var (here, seen): (PoolOwner, Set<PoolOwner>) = (owner, [])
    while seen.insert(here).inserted, let wait = waits[here] { here = wait.other }
    return here
  }

  /// The requests of `pressing` owners, in order.
  var urgent: [Ticket] {
    let pressing = pressing
    return waiting.filter { $0.refusal == nil && pressing.contains($0.owner) }
  }

  /// Whether no holder continues by itself: reservations are released only if one of the urgent requests is granted.
  var isHeldUp: Bool {
    let pressing = pressing
    return !pressing.isEmpty && boots == 0 && pressing.isSubset(of: waiting.map(\.owner))
  }

  /// The request that is served next.
  func turn(fits: (Ticket) -> Bool) -> Ticket? {
    let urgent = urgent
    guard let first = urgent.first else { return waiting.first { $0.refusal == nil } }
    // The first one may need what the others hold: then it must not hold them back.
    return isHeldUp ? urgent.first(where: fits) ?? first : first
  }

  /// Describes each holder and what it waits for, for messages.
  var holders: [String] {
    let owners = Set(holdings.values.filter { !$0.isWarm }.map(\.owner)).sorted()
    return owners.compactMap { owner in
      let held = holdings.values.filter { $0.owner == owner && !$0.isWarm }
      guard let name = held.first?.name else { return nil }
      let memory = Quantity.text(bytes: held.reduce(0) { $0 + $1.memory })
      let what = waits[owner]?.what ?? waiting.first { $0.owner == owner }?.request.text ?? "others"
      return "\(name) holds \(memory) and waits for \(what)"
    }
  }

  // MARK: Reservations in force

  mutating func finishBoot(_ number: Int) { holdings[number]?.isBooting = false }

  mutating func grow(_ number: Int, by bytes: UInt64) {
    guard var holding = holdings[number] else { return }
    holding.memory += bytes
    holdings[number] = holding
    holding.tell(.grown(reservation: number, memory: holding.memory))
  }

  mutating func release(_ number: Int) {
    guard let holding = holdings.removeValue(forKey: number) else { return }
    holding.tell(.released(reservation: number))
  }
}
