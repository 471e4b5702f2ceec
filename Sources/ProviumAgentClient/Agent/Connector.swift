import ProviumArchitecture
import ProviumSystem

/// Connects to the processes of an agent, and checks that it is the right agent.
struct Connector {
  let endpoint: GuestEndpoint
  let control: ControlConnection
  let liveness: (any Liveness)?
  let machine: String

  // MARK: The main agent

  func connectMain(until deadline: Deadline) throws -> (MessageExchange, ReadyReply) {
    let process = try explained(.main) { try control.follow(target: 0, pid: 0) }
    let dialler = Dialler(peer: .main, alarm: process.alarm, liveness: liveness)
    return try explained(.main, process: process, dialler.history) {
      let (transport, inbox) = try connect(dialler, until: deadline)
      // The pid becomes known by READY; the exchange that is kept is made with it.
      let first = MessageExchange(
        peer: .main,
        name: "the agent of \(machine)",
        pid: 0,
        transport: transport,
        control: control,
        process: nil,
        inbox: inbox
      )
      guard let ready = try first.takeReady(until: deadline) else { throw TransportFailure.deadline }
      let connection = MessageExchange(
        peer: .main,
        name: first.name,
        pid: ready.pid,
        transport: transport,
        control: control,
        process: process,
        inbox: first.rest
      )
      return (connection, ready)
    }
  }

  private func connect(_ dialler: Dialler, until deadline: Deadline) throws -> (any Transport, ByteQueue) {
    let inbox = ByteQueue(capacity: 64 << 10)
    guard endpoint.isLink else {
      return (StreamTransport(try dialler.dialAnswering(endpoint, into: inbox, until: deadline)), inbox)
    }
    let socket = try dialler.dial(endpoint, until: deadline)
    try LinkHandshake.perform(socket, raw: inbox, until: deadline)
    return (SerialTransport(socket, raw: inbox), ByteQueue(capacity: 64 << 10))
  }

  /// Throws when the agent speaks another protocol, or is another build.
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

  // MARK: The control process

  func awaitControl(sameBootAs ready: ReadyReply, until deadline: Deadline) throws {
    let other = try explained(.control) {
      guard let other = try control.awaitReady(until: deadline) else { throw TransportFailure.deadline }
      return other
    }
    guard other.bootNonce == ready.bootNonce else {
      throw GuestError.incompatible("\(machine)'s agent and its control process come from different boots")
    }
  }

  // MARK: Workers

  func connectWorker(_ number: UInt32, pid: Int32, until deadline: Deadline) throws -> MessageExchange {
    let name = "worker \(number) (pid \(pid))"
    let process = try explained(.worker(number)) { try control.follow(target: number, pid: pid) }
    return try explained(.worker(number), process: process) {
      let transport: any Transport
      var inbox = ByteQueue(capacity: 4096)
      if endpoint.isLink {
        transport = try control.stream.openChannel(UInt16(number), until: deadline)
      } else {
        let dialler = Dialler(peer: .worker(number), alarm: process.alarm, liveness: liveness)
        (transport, inbox) = try connect(dialler, until: deadline)
      }
      let connection = MessageExchange(
        peer: .worker(number),
        name: name,
        pid: pid,
        transport: transport,
        control: control,
        process: process,
        inbox: inbox
      )
      guard try connection.takeReady(until: deadline) != nil else { throw TransportFailure.deadline }
      return connection
    }
  }

  // MARK: Errors

  /// Makes errors for people of the errors of `body`. The cause of the VM's end comes before the errors of
  /// its sockets.
  private func explained<Result>(
    _ peer: GuestPeer,
    process: FollowedProcess? = nil,
    _ history: DialHistory? = nil,
    _ body: () throws -> Result
  ) throws -> Result {
    do {
      return try body()
    } catch TransportFailure.deadline {
      throw GuestError.timedOut("the agent of \(machine) did not answer in time\(history?.summary ?? "")")
    } catch TransportFailure.died(let cause) {
      throw cause
    } catch TransportFailure.violation(let text) {
      throw GuestError.lost(peer, "\(machine) sent \(text) in place of an answer")
    } catch is TransportFailure {
      let end = Deadline.after(MessageExchange.causeTimeout)
      switch control.causeOfLoss(of: process, until: end) {
      case .vm(let cause): throw cause
      case .process(let end):
        throw GuestError.lost(peer, "the agent of \(machine) \(end.asPredicate) before it answered")
      case .unknown, nil:
        throw GuestError.lost(peer, "the connection to the agent of \(machine) ended before it answered")
      }
    }
  }
}
