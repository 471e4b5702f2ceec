import ProviumSystem
import Testing

@testable import ProviumAgentClient

@Suite("A connection over a serial port", .timeLimit(.minutes(15))) struct SerialSessionTests {
  /// Bytes that the ports of a VM that was cut off may still contain.
  enum Dirt: String, CaseIterable, Sendable {
    case nothing, zeros, halfFrame, halfFrameWaitingForMore, oldReplies, oldAcknowledgement, megabytes

    var bytes: [UInt8] {
      switch self {
      case .nothing: []
      case .zeros: [UInt8](repeating: 0, count: 10_000)
      case .halfFrame: Array(LinkFrame.bytes(.data, payload: .pattern(5000)).dropFirst(1234))
      case .halfFrameWaitingForMore: Array(LinkFrame.bytes(.data, payload: .pattern(65_536)).prefix(100))
      case .oldReplies: LinkFrame.bytes(.data, payload: FakePeer.message(.execDone, [1, 2, 3]))
      case .oldAcknowledgement: LinkFrame.bytes(.helloAcknowledged, payload: [UInt8](repeating: 7, count: 16))
      case .megabytes:
        Array(repeatElement(LinkFrame.bytes(.data, payload: .pattern(60_000)), count: 50).joined())
      }
    }
  }

  @Test("begins cleanly whatever an old connection has left", arguments: Dirt.allCases) func dirty(
    _ dirt: Dirt
  )
    throws
  {
    let main = try FakePeer.pair(), control = try FakePeer.pair()
    let threads = try [main.peer, control.peer].map { peer in
      try onThread("peer") {
        // Like an agent that is blocked in a write: it does not read before its bytes are gone.
        peer.send(dirt.bytes)
        let nonce = peer.receiveHello()
        peer.send(dirt.bytes)
        peer.send(LinkFrame.bytes(.helloAcknowledged, payload: nonce))
        peer.send(LinkFrame.bytes(.data, payload: FakePeer.ready()))
        guard let request = peer.receiveFrame(), request.type == .data else { return }
        peer.send(
          LinkFrame.bytes(.data, payload: FakePeer.message(.data, Array(request.payload.dropFirst(5))))
        )
      }
    }
    let agent = try GuestAgent.connect(to: .serial(main: main.host, control: control.host), until: .soon)
    // The header of the request travels in a frame of its own, so the fake agent echoes nothing.
    #expect(try agent.connection.echo([], until: .soon) == [])
    agent.close()
    for thread in threads { thread.join() }
  }

  @Test("is not begun by an acknowledgement with another nonce") func wrongNonce() throws {
    let main = try FakePeer.pair(), control = try FakePeer.pair()
    let thread = try onThread("peer") {
      _ = main.peer.receiveHello()
      main.peer.send(LinkFrame.bytes(.helloAcknowledged, payload: [UInt8](repeating: 1, count: 16)))
      main.peer.send(LinkFrame.bytes(.data, payload: FakePeer.ready()))
    }
    let error = #expect(throws: GuestError.self) {
      try GuestAgent.connect(
        to: .serial(main: main.host, control: control.host),
        until: .after(.milliseconds(200))
      )
    }
    guard case .timedOut = error else { throw error ?? GuestError.lost(.main, "no error") }
    thread.join()
  }

  @Test("delivers to each channel what is its own, in order, at the same time") func channels() throws {
    let main = try FakePeer.pair(), control = try FakePeer.pair()
    let rounds = 200, count: UInt16 = 6
    let greeter = try onThread("main") {
      let nonce = main.peer.receiveHello()
      main.peer.send(LinkFrame.bytes(.helloAcknowledged, payload: nonce))
      main.peer.send(LinkFrame.bytes(.data, payload: FakePeer.ready()))
    }
    let peer = try onThread("control") {
      let nonce = control.peer.receiveHello()
      control.peer.send(LinkFrame.bytes(.helloAcknowledged, payload: nonce))
      control.peer.send(LinkFrame.bytes(.data, payload: FakePeer.ready()))
      // Echoes every channel's message; replies are cut into frames at odd places and mixed among channels.
      var waiting: [UInt16: [UInt8]] = [:]
      while let frame = control.peer.receiveFrame() {
        switch frame.type {
        case .open:
          control.peer.send(LinkFrame.bytes(.data, channel: frame.channel, payload: FakePeer.ready()))
        case .data:
          waiting[frame.channel, default: []] += frame.payload
          let bytes = waiting[frame.channel] ?? []
          let length = bytes.count < 5 ? Int.max : bytes[1...4].reversed().reduce(0) { $0 << 8 | Int($1) }
          guard bytes.count >= 5, bytes.count - 5 == length else { continue }
          waiting[frame.channel] = []
          let reply = FakePeer.message(.data, Array(bytes.dropFirst(5)))
          for start in stride(from: 0, to: reply.count, by: 37) {
            control.peer.send(
              LinkFrame.bytes(.data, channel: frame.channel, payload: Array(reply[start...].prefix(37)))
            )
            control.peer.send([0, 0, 0x50])
          }
        default: continue
        }
      }
    }
    let agent = try GuestAgent.connect(to: .serial(main: main.host, control: control.host), until: .soon)
    let failures = EventCounter()
    let threads = try (1...count).map { number in
      let worker = try agent.attachWorker(UInt32(number), pid: 7, kind: .process, until: .soon)
      return try onThread("worker") {
        for round in 0..<rounds {
          let data = [UInt8].pattern(Int(number) * 10 + round)
          if (try? worker.connection.echo(data, until: .soon)) != data { failures.add() }
        }
      }
    }
    for thread in threads { thread.join() }
    #expect(failures.count == 0)
    agent.close()
    peer.join()
    greeter.join()
  }
}
