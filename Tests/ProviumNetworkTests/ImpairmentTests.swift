import ProviumSystem
import Testing

@testable import ProviumNetwork

@Suite struct ImpairmentTests {
  private func impairment(_ change: (inout Impairment) -> Void) -> Impairment {
    var impairment = Impairment()
    change(&impairment)
    return impairment
  }

  @Test(
    "the n-th frame of a direction has the same fate whatever the timing, and whatever other directions do"
  )
  func determinism() throws {
    let lossy = impairment { ($0.loss, $0.duplicate, $0.seed) = (0.3, 0.1, 42) }
    var results: [[UInt32]] = []
    for run in 0..<3 {
      let net = try TestNetwork(ports: 3)
      for from in 0..<3 {
        for to in 0..<3 where from != to { net.network.set(lossy, from: net.ports[from], to: net.ports[to]) }
      }
      for number in 0..<500 as Range<UInt32> {
        // Other traffic, more in each run, and pauses.
        for _ in 0..<run {
          try net.send(TestNetwork.frame(from: 2, to: TestNetwork.mac(1), number: 1 << 20), from: 2)
        }
        if number % 100 == 0, run > 0 { _ = try net.receive(at: 0, within: .milliseconds(run * 2)) }
        try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: number), from: 0)
      }
      results.append([])
      // The switch has handled everything when the last frame arrives, but not before.
      while net.network.counts(of: net.ports[0]).received < 500 {
        _ = try net.receive(at: 0, within: .milliseconds(1))
      }
      net.network.set(nil, from: net.ports[0], to: net.ports[1])
      try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: .max), from: 0)
      results[run] = try net.numbers(at: 1, until: .max).filter { $0 < 500 }
    }
    #expect(results[0].count > 300 && results[0].count < 450)
    #expect(results[0] == results[1])
    #expect(results[0] == results[2])
  }

  @Test("another seed, and the opposite direction, have other fates")
  func seeds() {
    func lost(_ seed: UInt64, _ from: Int, _ to: Int) -> [Bool] {
      var source = FateSource(
        impairment { ($0.loss, $0.seed) = (0.5, seed) },
        from: PortNumber(from),
        to: PortNumber(to)
      )
      return (0..<200).map { _ in source.next(length: 100).drop == .lost }
    }
    #expect(lost(1, 1, 2) == lost(1, 1, 2))
    #expect(lost(1, 1, 2) != lost(2, 1, 2))
    #expect(lost(1, 1, 2) != lost(1, 2, 1))
  }

  @Test("a setting does not change which frames another one meets")
  func independence() {
    func lost(_ change: (inout Impairment) -> Void) -> [Bool] {
      var source = FateSource(impairment(change), from: PortNumber(1), to: PortNumber(2))
      return (0..<200).map { _ in source.next(length: 100).drop == .lost }
    }
    let plain = lost { $0.loss = 0.2 }
    #expect(plain == lost { ($0.loss, $0.corrupt, $0.duplicate, $0.jitter) = (0.2, 0.5, 0.5, .seconds(1)) })
  }

  @Test("probabilities are met", arguments: [0.0, 0.1, 0.5, 1.0])
  func rates(probability: Double) {
    let all = impairment {
      ($0.loss, $0.duplicate, $0.corrupt) = (0, probability, probability)
      ($0.delay, $0.reorder) = (.seconds(1), probability)
    }
    var source = FateSource(all, from: PortNumber(1), to: PortNumber(2))
    let fates = (0..<10000).map { _ in source.next(length: 100) }
    for count in [
      fates.count { $0.isDuplicated }, fates.count { $0.invertedBit != nil }, fates.count { $0.isEarly },
    ] {
      #expect(abs(Double(count) / 10000 - probability) < 0.02)
    }
    #expect(fates.allSatisfy { fate in fate.invertedBit.map { (14 * 8..<100 * 8).contains($0) } ?? true })
  }

  @Test("bursts have the length that the model says")
  func bursts() {
    let model = impairment { $0.burst = BurstLoss(enter: 0.02, leave: 0.25) }
    var source = FateSource(model, from: PortNumber(1), to: PortNumber(2))
    let lost = (0..<40000).map { _ in source.next(length: 100).drop == .lost }
    let bursts = zip(lost, [false] + lost).count { $0.0 && !$0.1 }
    let mean = Double(lost.count { $0 }) / Double(bursts)
    #expect(abs(mean - 4) < 0.4)
  }

  @Test("a delay is kept, and jitter does not change the order of the frames")
  func delay() throws {
    let net = try TestNetwork(ports: 2)
    let slow = impairment { ($0.delay, $0.jitter) = (.milliseconds(60), .milliseconds(40)) }
    net.network.set(slow, from: net.ports[0], to: net.ports[1])
    let start = Deadline.now
    for number in 0..<50 as Range<UInt32> {
      try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: number), from: 0)
    }
    #expect(try net.numbers(at: 1, until: 49) == Array(0..<49))
    #expect(Deadline.elapsed(since: start) >= .milliseconds(20))
  }

  @Test("a rate spreads frames over time, and its queue is bounded")
  func rate() throws {
    let net = try TestNetwork(ports: 2)
    // 1000 bytes take 8 ms.
    let slow = impairment { ($0.rate, $0.queue) = (1_000_000, 10) }
    net.network.set(slow, from: net.ports[0], to: net.ports[1])
    let start = Deadline.now
    for number in 0..<30 as Range<UInt32> {
      try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: number, size: 1000), from: 0)
    }
    var arrived = 0
    while net.network.counts(of: net.ports[1])[.rateQueue] + arrived < 30, try net.receive(at: 1) != nil {
      arrived += 1
    }
    let elapsed = Deadline.elapsed(since: start)
    #expect(arrived >= 10)
    #expect(net.network.counts(of: net.ports[1])[.rateQueue] > 0)
    #expect(elapsed >= .milliseconds(8 * 10))
  }

  @Test(
    "frames above the MTU of a direction, and all frames of a cut one, are dropped; the opposite one works"
  )
  func mtuAndCut() throws {
    let net = try TestNetwork(ports: 2)
    net.network.set(impairment { $0.mtu = 500 }, from: net.ports[0], to: net.ports[1])
    try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: 1, size: 515), from: 0)
    try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: 2, size: 514), from: 0)
    #expect(try net.numbers(at: 1, until: 2) == [])
    net.network.set(impairment { $0.isCut = true }, from: net.ports[0], to: net.ports[1])
    try net.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: 3), from: 0)
    try net.send(TestNetwork.frame(from: 1, to: TestNetwork.mac(0), number: 4), from: 1)
    #expect(try net.numbers(at: 0, until: 4) == [])
    while net.network.counts(of: net.ports[0]).received < 3 {
      _ = try net.receive(at: 0, within: .milliseconds(1))
    }
    let counts = net.network.counts(of: net.ports[1])
    #expect(counts[.tooLarge] == 1)
    #expect(counts[.cut] == 1)
  }

  @Test(
    "settings out of range are refused",
    arguments: [
      Impairment.with { $0.loss = 1.5 }, .with { $0.delay = .seconds(61) }, .with { $0.reorder = 0.5 },
      .with { $0.rate = 0 }, .with { $0.queue = 0 }, .with { $0.burst = BurstLoss(enter: 2, leave: 0) },
      .with { $0.mtu = -1 },
    ]
  )
  func refused(impairment: Impairment) {
    #expect(impairment.problem != nil)
    #expect(Impairment().problem == nil)
  }
}

extension Impairment {
  fileprivate static func with(_ change: (inout Impairment) -> Void) -> Impairment {
    var impairment = Impairment()
    change(&impairment)
    return impairment
  }
}
