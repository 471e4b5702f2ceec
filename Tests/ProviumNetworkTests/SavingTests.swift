import Testing

@testable import ProviumNetwork

@Suite struct SavingTests {
  @Test("frames that wait in sockets and in delays survive a save, in their order")
  func framesInFlight() throws {
    let before = try TestNetwork(ports: 3)
    var delayed = Impairment()
    delayed.delay = .seconds(30)
    before.network.set(delayed, from: before.ports[0], to: before.ports[2])
    try before.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: 1), from: 0)
    try before.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(2), number: 2), from: 0)
    try before.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: 3), from: 0)
    let (saved, frames) = before.network.takeState(ends: before.socketEnds)
    #expect(frames.map(\.to) == [before.ports[1], before.ports[1], before.ports[2]])
    #expect(frames.last.map { $0.delay > 20_000_000_000 } == true)
    #expect(FrameInFlight.decode(FrameInFlight.encode(frames)) == frames)

    let after = try TestNetwork(ports: 3)
    #expect(after.network.restore(saved))
    after.network.deliver(
      frames.map { FrameInFlight(from: $0.from, to: $0.to, delay: $0.delay / 1000, bytes: $0.bytes) }
    )
    #expect(try after.numbers(at: 1, until: 3) == [1])
    #expect(try after.receive(at: 2)?.integer(at: 14, as: UInt32.self, .bigEndian) == 2)
  }

  @Test("impairments, partitions and rules continue after a resume where they were")
  func impairments() throws {
    let before = try TestNetwork(ports: 3)
    before.network.drop(FrameFilter(), from: before.ports[0], to: before.ports[1], nth: 2)
    before.network.partition([[before.ports[0]], [before.ports[2]]])
    try before.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: 1), from: 0)
    _ = try before.receive(at: 1)
    let (saved, frames) = before.network.takeState(ends: before.socketEnds)
    #expect(frames.isEmpty)

    let after = try TestNetwork(ports: 3)
    #expect(after.network.restore(saved))
    try after.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(2), number: 2), from: 0)
    try after.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: 3), from: 0)
    try after.send(TestNetwork.frame(from: 0, to: TestNetwork.mac(1), number: 4), from: 0)
    #expect(try after.numbers(at: 1, until: 4) == [])
    #expect(after.network.counts(of: after.ports[1])[.matched] == 1)
    #expect(after.network.counts(of: after.ports[2])[.partitioned] == 1)
  }

  @Test("a state of other ports is refused")
  func otherPorts() throws {
    let before = try TestNetwork(ports: 3)
    before.network.partition([[before.ports[0]], [before.ports[2]]])
    let (saved, _) = before.network.takeState(ends: [:])
    #expect(try !TestNetwork(ports: 2).network.restore(saved))
  }

  @Test(
    "bytes that are no saved frames are refused",
    arguments: [
      [1], Array(repeating: 0, count: 20),
      [1, 0, 0, 0, 1, 0, 0, 0] + Array(repeating: 0, count: 8) + [9, 0, 0, 0, 7],
    ] as [[UInt8]]
  )
  func damagedFrames(bytes: [UInt8]) {
    #expect(FrameInFlight.decode(bytes) == nil)
  }
}
