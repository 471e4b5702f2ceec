import Foundation
import Glibc
import ProviumSystem
import Testing

@testable import ProviumAgentClient

@Suite("A guest that misbehaves", .timeLimit(.minutes(15))) struct MisbehaviourTests {
  /// A connected agent whose other ends follow a script.
  private func scripted(
    ready: [UInt8] = FakePeer.ready(),
    controlReady: [UInt8] = FakePeer.ready(),
    buildID: [UInt8]? = nil
  ) throws -> (agent: GuestAgent, main: FakePeer, control: FakePeer) {
    let main = try FakePeer.pair(), control = try FakePeer.pair()
    main.peer.send(ready)
    control.peer.send(controlReady)
    let agent = try GuestAgent.connect(
      to: .streams(main: main.host, control: control.host),
      machine: "vm1",
      expecting: buildID,
      until: .soon
    )
    return (agent, main.peer, control.peer)
  }

  @Test("by speaking another protocol is refused with both versions") func version() {
    let error = #expect(throws: GuestError.self) { try scripted(ready: FakePeer.ready(version: 7)) }
    guard case .incompatible(let text) = error else {
      return #expect(Bool(false), "\(String(describing: error))")
    }
    #expect(text.contains("protocol 7") && text.contains("Provium 1"))
  }

  @Test("by being another build is refused with both builds") func build() {
    let error = #expect(throws: GuestError.self) {
      try scripted(buildID: [UInt8](repeating: 0xAB, count: 16))
    }
    guard case .incompatible(let text) = error else {
      return #expect(Bool(false), "\(String(describing: error))")
    }
    #expect(
      text.contains(String(repeating: "02", count: 16)) && text.contains(String(repeating: "ab", count: 16))
    )
  }

  @Test("by being of two boots at once is refused") func boots() {
    let error = #expect(throws: GuestError.self) { try scripted(controlReady: FakePeer.ready(nonce: 9)) }
    guard case .incompatible = error else { return #expect(Bool(false), "\(String(describing: error))") }
  }

  @Test("by ending before it answered is given the machine's cause of death, which is known a little later")
  func lastWords() throws {
    let main = try FakePeer.pair(), control = try FakePeer.pair()
    let liveness = try TestLiveness()
    let thread = try onThread("machine") {
      main.peer.end()
      control.peer.end()
      _ = try? Readiness.waitReadable(-1, until: .after(.milliseconds(100)))
      liveness.die()
    }
    #expect(throws: TestLiveness.Panic.self) {
      try GuestAgent.connect(
        to: .streams(main: main.host, control: control.host),
        machine: "vm1",
        liveness: liveness,
        until: .soon
      )
    }
    thread.join()
  }

  /// Replies to an ECHO that no agent would give.
  static let replies: [(String, [UInt8])] = [
    ("an unexpected message of type 0x8C", FakePeer.message(.done, little(Int64(0)))),
    ("an unexpected message of type 0xFF", FakePeer.message(MessageCode(rawValue: 255))),
    ("an oversized message of type 0x8B with 4294967295 bytes", [0x8B] + little(UInt32.max)),
    ("a malformed message of type 0x83 with 2 bytes", FakePeer.message(.error, [1, 2])),
  ]

  @Test("in its replies is named, and the connection is not used again", arguments: replies)
  func reply(_ expected: String, _ bytes: [UInt8]) throws {
    let (agent, main, _) = try scripted()
    let thread = try onThread("peer") {
      _ = main.receiveMessage()
      main.send(bytes)
    }
    let error = #expect(throws: GuestError.self) { try agent.connection.echo([1], until: .soon) }
    thread.join()
    #expect(error?.description.contains(expected) == true, "\(String(describing: error))")
    #expect(error?.description.contains("the agent of vm1") == true)
    let again = #expect(throws: GuestError.self) { try agent.connection.echo([1], until: .soon) }
    #expect(again?.description == error?.description)
    #expect(!agent.connection.isUsable)
  }

  @Test("by sending anything at all never ends the process", arguments: 0..<40) func random(_ seed: UInt64)
    throws
  {
    var generator = SeededGenerator(seed)
    let codes: [UInt8] = [0x80, 0x83, 0x84, 0x89, 0x8A, 0x8B, 0x8C, 0x8D, 0x8E, 0x8F, 0x90]
    let (agent, main, control) = try scripted()
    for peer in [main, control] {
      for _ in 0..<20 {
        let count = Int.random(in: 0...40, using: &generator)
        let payload = (0..<count).map { _ in UInt8.random(in: 0...3, using: &generator) }
        let code = codes.randomElement(using: &generator) ?? 0
        peer.send(FakePeer.message(MessageCode(rawValue: code), payload))
        if Int.random(in: 0..<8, using: &generator) == 0 { peer.send(payload) }
      }
      peer.end()
    }
    let connection = agent.connection
    _ = try? connection.state(until: .soon)
    _ = try? connection.exec("true", until: .soon)
    _ = try? connection.list("/", until: .soon)
    _ = try? connection.syscall(SystemCall(number: 1), until: .soon)
    agent.close()
  }

  @Test("by not answering is interrupted, by its number, and the late answer is not taken for another's")
  func late() throws {
    let (agent, main, control) = try scripted()
    let interrupt = Handover<[UInt8]?>()
    let thread = try onThread("peer") {
      _ = main.receiveMessage()
      main.sendMessage(.data, [1])
      _ = main.receiveMessage()
      // Only the interrupt gets it to answer.
      interrupt.fulfil(control.receiveMessage()?.payload)
      main.sendMessage(.data, [2])
      _ = main.receiveMessage()
      main.sendMessage(.data, [3])
    }
    #expect(try agent.connection.echo([1], until: .soon) == [1])
    let error = #expect(throws: GuestError.self) {
      try agent.connection.echo([2], until: .after(.milliseconds(50)))
    }
    guard case .timedOut = error else { throw error ?? GuestError.lost(.main, "no error") }
    #expect(interrupt.wait() == [0, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0])
    #expect(try agent.connection.echo([3], until: .soon) == [3])
    thread.join()
  }

  @Test("by not answering an interrupt either is given up") func unresponsive() throws {
    let (agent, main, control) = try scripted()
    let begin = Deadline.now
    let error = #expect(throws: GuestError.self) {
      try agent.connection.echo([1], until: .after(.milliseconds(50)))
    }
    guard case .unresponsive = error else { throw error ?? GuestError.lost(.main, "no error") }
    #expect((2_000_000_000..<4_000_000_000).contains(Deadline.now - begin))
    #expect(!agent.connection.isUsable)
    withExtendedLifetime((main, control)) {}
  }

  @Test("by not taking a request is given up") func deaf() throws {
    let (agent, main, control) = try scripted()
    let error = #expect(throws: GuestError.self) {
      try agent.connection.echo(.pattern(8 << 20), until: .after(.milliseconds(100)))
    }
    guard case .unresponsive = error else { throw error ?? GuestError.lost(.main, "no error") }
    withExtendedLifetime((main, control)) {}
  }

  @Test("by going away is lost at once") func ended() throws {
    let (agent, main, control) = try scripted()
    main.end()
    control.end()
    let error = #expect(throws: GuestError.self) { try agent.connection.echo([1], until: .soon) }
    guard case .lost = error else { throw error ?? GuestError.lost(.main, "no error") }
  }

  @Test("by dying says so through its control process") func gone() throws {
    let (agent, main, control) = try scripted()
    let thread = try onThread("peer") {
      _ = main.receiveMessage()
      control.sendMessage(.gone, little(UInt32(0)) + little(Int32(7)) + little(Int32(11)))
    }
    // The main connection stays open, as that of a serial port does.
    let error = #expect(throws: GuestError.self) { try agent.connection.echo([1], until: .soon) }
    #expect(error?.description == "echo: the agent of vm1 was killed by SIGSEGV")
    thread.join()
  }

  @Test("by reporting deaths without end costs no memory without end") func manyDeaths() throws {
    let (agent, _, control) = try scripted()
    let thread = try onThread("peer") {
      for number in 0..<20_000 as Range<Int32> {
        control.sendMessage(.gone, little(UInt32(1)) + little(number) + little(Int32(9)))
      }
      _ = control.receiveMessage()
      control.sendMessage(.done, little(Int64(0)))
    }
    _ = try agent.control.request(try Request.empty(.quiesce), until: .soon)
    #expect(agent.control.state.read { $0.unclaimed.count } == ProcessEnd.kept)
    thread.join()
  }

  @Test("a worker with the number and the pid of an earlier one lives a life of its own") func reusedWorker()
    throws
  {
    let (agent, _, control) = try scripted()
    func reportEnd(_ target: UInt32, _ pid: Int32, status: Int32) throws {
      control.sendMessage(.gone, little(target) + little(pid) + little(status))
      // The news is in when the answer to a later request is.
      let thread = try onThread("peer") {
        _ = control.receiveMessage()
        control.sendMessage(.done, little(Int64(0)))
      }
      _ = try agent.control.request(try Request.empty(.quiesce), until: .soon)
      thread.join()
    }
    let first = try agent.control.follow(target: 1, pid: 50)
    try reportEnd(1, 50, status: 9)
    #expect(first.end?.status == .signaled(.kill))
    // Its end overtakes the news of its start.
    agent.control.forgetEarlierWorkers()
    try reportEnd(2, 60, status: 3 << 8)
    let hasty = try agent.control.follow(target: 2, pid: 60)
    #expect(hasty.end?.status == .exited(3))
    // The end of a process that is not followed.
    try reportEnd(1, 50, status: 11)
    agent.control.forgetEarlierWorkers()
    let second = try agent.control.follow(target: 1, pid: 50)
    #expect(second.end == nil && first.end?.status == .signaled(.kill))
    try reportEnd(1, 50, status: 15)
    #expect(second.end?.status == .signaled(.terminate) && first.end?.status == .signaled(.kill))
  }

  @Test("by never being ready is timed out") func silent() throws {
    let main = try FakePeer.pair(), control = try FakePeer.pair()
    let error = #expect(throws: GuestError.self) {
      try GuestAgent.connect(
        to: .streams(main: main.host, control: control.host),
        until: .after(.milliseconds(50))
      )
    }
    guard case .timedOut = error else { throw error ?? GuestError.lost(.main, "no error") }
  }

  @Test("by a host with another machine's secret is refused, in words") func wrongSecret() throws {
    let error = #expect(throws: GuestError.self) { try RealAgent(.stream, claiming: .random()) }
    guard case .refused(let errno, let message) = error else {
      throw error ?? GuestError.lost(.main, "no error")
    }
    #expect(errno.number == EACCES)
    #expect(message == "connect: this is not the secret of this VM (EACCES)")
  }

  @Test("secrets are written as digits, and said nowhere") func secretText() throws {
    let secret = GuestSecret.random()
    let text = try JSONEncoder().encode([secret])
    #expect(String(decoding: text, as: UTF8.self) == "[\"\(secret.hex)\"]")
    #expect(try JSONDecoder().decode([GuestSecret].self, from: text) == [secret])
    #expect("\(secret)" == "(secret)")
    for bad in ["[\"\"]", "[\"00\"]", "[\"\(String(repeating: "x", count: 64))\"]"] {
      #expect(throws: DecodingError.self) {
        try JSONDecoder().decode([GuestSecret].self, from: Data(bad.utf8))
      }
    }
  }

  @Test("is not waited for when its machine is dead") func deadMachine() throws {
    let liveness = try TestLiveness()
    liveness.die()
    let begin = Deadline.now
    #expect(throws: TestLiveness.Panic.self) {
      let nobody = GuestEndpoint.sockets(prefix: "/tmp/nobody.\(getpid())", secret: .random())
      return try GuestAgent.connect(to: nobody, liveness: liveness, until: .soon)
    }
    #expect(Deadline.now - begin < 1_000_000_000)
  }
}
