import ProviumArchitecture
import ProviumSystem

/// Makes connections to an agent's processes and sees that it is the right agent.
struct Connector {
  let endpoint: GuestEndpoint
  let control: ControlConnection
  let vitals: (any VitalSigns)?
  let machine: String

  // MARK: the main agent

  func connectMain(until deadline: Deadline) throws -> (GuestConnection, ReadyReply) {
    let life = try explained(.main) { try control.follow(target: 0, pid: 0) }
    return try explained(.main, life: life) {
      let dialler = Dialler(peer: .main, alarm: life.alarm, vitals: vitals)
      let (transport, inbox) = try connect(dialler, until: deadline)
      // Its pid is known only from READY, with which the connection then begins.
      let first = GuestConnection(
        peer: .main,
        name: "the agent of \(machine)",
        pid: 0,
        transport: transport,
        control: control,
        life: nil,
        inbox: inbox
      )
      guard let ready = try first.takeReady(until: deadline) else { throw TransportFailure.deadline }
      let connection = GuestConnection(
        peer: .main,
        name: first.name,
        pid: ready.pid,
        transport: transport,
        control: control,
        life: life,
        inbox: first.rest
      )
      return (connection, ready)
    }
  }

  private func connect(_ dialler: Dialler, until deadline: Deadline) throws -> (any Transport, ByteQueue) {
    while true {
      let socket = try dialler.dial(endpoint, until: deadline)
      let inbox = ByteQueue(capacity: 64 << 10)
      if endpoint.isLink {
        try LinkHandshake.perform(socket, raw: inbox, until: deadline)
        return (LinkTransport(socket, raw: inbox), ByteQueue(capacity: 64 << 10))
      }
      do {
        guard try socket.read(into: inbox, wanting: 4096, until: deadline) else {
          throw TransportFailure.deadline
        }
        return (StreamTransport(socket), inbox)
      } catch TransportFailure.ended where endpoint.canRedial {
        // Cut by a driver that starts, or by a resume.
        try dialler.wait(milliseconds: 5, until: deadline)
      }
    }
  }

  /// The first difference that makes work impossible.
  func check(_ ready: ReadyReply, against buildID: [UInt8]?) throws {
    guard ready.protocolVersion == WireLimit.protocolVersion else {
      throw GuestError.incompatible(
        "the agent in \(machine) speaks protocol \(ready.protocolVersion), this Provium \(WireLimit.protocolVersion); rebuild the image or the fixture"
      )
    }
    guard let buildID, buildID != ready.buildID else { return }
    throw GuestError.incompatible(
      "the agent in \(machine) is build \(Hex.text(ready.buildID)), this Provium brings \(Hex.text(buildID)); rebuild the image or the fixture"
    )
  }

  func architecture(of ready: ReadyReply) throws -> Architecture {
    guard let architecture = Architecture(elfMachine: ready.machine) else {
      throw GuestError.incompatible(
        "the agent in \(machine) runs on an unknown machine (ELF \(ready.machine))"
      )
    }
    return architecture
  }

  // MARK: the control process

  func awaitControl(sameBootAs ready: ReadyReply, until deadline: Deadline) throws {
    let other = try explained(.control) {
      guard let other = try control.awaitReady(until: deadline) else { throw TransportFailure.deadline }
      return other
    }
    guard other.bootNonce == ready.bootNonce else {
      throw GuestError.incompatible("\(machine)'s agent and its control process come from different boots")
    }
  }

  // MARK: workers

  func connectWorker(_ number: UInt32, pid: Int32, until deadline: Deadline) throws -> GuestConnection {
    let name = "worker \(number) (pid \(pid))"
    let life = try explained(.worker(number)) { try control.follow(target: number, pid: pid) }
    return try explained(.worker(number), life: life) {
      let transport: any Transport
      var inbox = ByteQueue(capacity: 4096)
      if endpoint.isLink {
        transport = try control.openChannel(UInt16(number), until: deadline)
      } else {
        let dialler = Dialler(peer: .worker(number), alarm: life.alarm, vitals: vitals)
        (transport, inbox) = try connect(dialler, until: deadline)
      }
      let connection = GuestConnection(
        peer: .worker(number),
        name: name,
        pid: pid,
        transport: transport,
        control: control,
        life: life,
        inbox: inbox
      )
      guard try connection.takeReady(until: deadline) != nil else { throw TransportFailure.deadline }
      return connection
    }
  }

  // MARK: messages

  /// A connection that did not come to be, in words: the machine's cause of death before what became of its sockets.
  private func explained<Result>(
    _ peer: GuestPeer,
    life: ProcessLife? = nil,
    _ body: () throws -> Result
  ) throws -> Result {
    do {
      return try body()
    } catch TransportFailure.deadline {
      throw GuestError.timedOut("the agent of \(machine) did not answer in time")
    } catch TransportFailure.died(let cause) {
      throw cause
    } catch TransportFailure.violation(let text) {
      throw GuestError.lost(peer, "\(machine) sent \(text) in place of an answer")
    } catch is TransportFailure {
      let grace = Deadline.after(GuestConnection.graceForLastWords)
      switch control.reasonOfLoss(of: life, until: grace) {
      case .machine(let cause): throw cause
      case .process(let gone):
        throw GuestError.lost(peer, "the agent of \(machine) \(gone.asPredicate) before it answered")
      case .unknown, nil:
        throw GuestError.lost(peer, "the connection to the agent of \(machine) ended before it answered")
      }
    }
  }
}
