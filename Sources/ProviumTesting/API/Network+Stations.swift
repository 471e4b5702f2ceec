public import ProviumNetwork
import ProviumRunner
import ProviumRuntime
import ProviumSystem
import Synchronization

extension Network {
  /// Adds a station that the test plays.
  /// - Parameters:
  ///   - mac: its Ethernet address; nil: one that no other device of the network has.
  ///   - address: its IP address, of a subnet of the network; nil: a free one. Of each other subnet it gets a free one.
  ///   - answers: what it answers without the test.
  /// - Throws: ``ProviumError``, with the code `invalidUse`, for addresses that another device has, or that the network cannot
  ///   have.
  public func station(mac: MACAddress? = nil, address: IPAddress? = nil, answering answers: Answer...)
    throws(ProviumError) -> Station
  {
    let answerers = try answers.map(answerer)
    do {
      let (station, port) = try virtual.addStation(
        name: "station",
        mac: mac,
        addresses: address.map { [$0] } ?? []
      )
      for answerer in answerers { station.add(answerer) }
      return Station(station, port, of: self)
    } catch let error as ProviumError { throw error } catch {
      throw ProviumError(.infrastructure, "a station of \(name) could not be added: \(error)", cause: error)
    }
  }

  /// A kind of frames that a station answers without the test.
  public enum Answer: Sendable, Hashable {
    /// ARP requests and IPv6 neighbour solicitations for its addresses. A station that answers nothing else is a black hole.
    case arp
    /// Echo requests of ICMP and ICMPv6.
    case ping
    /// UDP datagrams: it sends them back.
    case echo
    /// TCP connections: it acknowledges their data and forgets it.
    case sink
    /// TCP connections, whose window it keeps closed.
    case stall
    /// DHCP clients: it leases them addresses from the middle of the network's IPv4 subnet on.
    case dhcp
    /// DNS queries, with the addresses by name. Other names do not exist.
    case dns([String: [IPAddress]])
  }

  private func answerer(_ answer: Answer) throws(ProviumError) -> any Answerer {
    switch answer {
    case .arp: return AddressAnswerer()
    case .ping: return PingAnswerer()
    case .echo: return EchoAnswerer()
    case .sink: return TCPAnswerer(.sink)
    case .stall: return TCPAnswerer(.stall)
    case .dhcp:
      guard let subnet = virtual.subnets.first(where: { !$0.isV6 }) else {
        throw ProviumError(.invalidUse, "the network \(name) has no IPv4 subnet to lease addresses of")
      }
      // The upper half, which the network itself reaches last.
      return DHCPAnswerer(subnet: subnet, first: subnet.hostCount / 2 + 1)
    case .dns(let names): return DNSAnswerer(names: names)
    }
  }

  /// A station of a network that the test plays. It sends frames, and gets those that the network delivers to it.
  ///
  /// ```swift
  /// let lan = try Network("lan", subnets: ["10.7.0.0/24"])
  /// let station = try lan.station(address: IPAddress("10.7.0.9"), answering: .arp, .ping)
  /// try await withVirtualMachine(networks: [lan]) { vm in
  ///   #expect(try await vm.exec("ping -c 1 10.7.0.9").isSuccess)
  ///   let request = try await station.expect { $0.icmp?.type == 8 }
  ///   #expect(try request.source == lan.mac(of: vm))
  /// }
  /// ```
  ///
  /// The station gets the frames that it answers, too. It lives as long as its network, and keeps the network in use. It holds
  /// 4096 frames that the test has not taken; later ones are dropped. Thread-safe.
  public final class Station: Sendable {
    private let network: Network
    private let station: ProviumNetwork.Station
    private let port: PortNumber

    fileprivate init(_ station: ProviumNetwork.Station, _ port: PortNumber, of network: Network) {
      self.network = network
      self.station = station
      self.port = port
    }

    /// The station's place in the switch of its network; nil for another network.
    func port(on network: Network) -> PortNumber? { network === self.network ? port : nil }

    /// Its Ethernet address.
    public var mac: MACAddress { station.mac }
    /// Its IP addresses: one of each subnet of the network.
    public var addresses: [IPAddress] { station.addresses }

    /// Adds an answer, until the end of the station.
    /// - Throws: ``ProviumError``, with the code `invalidUse`, for ``Network/Answer/dhcp`` on a network without IPv4.
    public func answer(_ answer: Answer) throws(ProviumError) { station.add(try network.answerer(answer)) }

    // MARK: Sending

    /// Sends a frame. Lengths and checksums are filled in, and so are the station's Ethernet address, the broadcast address and
    /// the protocol of the IP packet, where the frame has zero.
    /// - Throws: ``ProviumError``, with the code `invalidUse`, for a frame with addresses of a wrong family, with ICMP, UDP or TCP
    ///   without IP, or with more than 65,000 bytes of payload.
    public func send(_ frame: Frame) throws(ProviumError) {
      if let problem = Self.problem(of: frame) { throw ProviumError(.invalidUse, problem) }
      var frame = frame
      if frame.source == .zero { frame.source = mac }
      if frame.destination == .zero { frame.destination = .broadcast }
      send(bytes: frame.encoded)
    }

    /// Sends bytes as they are, from the destination address on, without checksum. A frame that no Ethernet can have is dropped.
    public func send(bytes: [UInt8]) { network.virtual.network.send(bytes, from: port) }

    private static func problem(of frame: Frame) -> String? {
      if frame.payload.count > 65000 {
        return "a frame has at most 65000 bytes of payload, got \(frame.payload.count)"
      }
      if let arp = frame.arp, arp.senderIP.isV6 || arp.targetIP.isV6 {
        return "an ARP message has IPv4 addresses alone"
      }
      guard let ip = frame.ip else {
        return frame.icmp != nil || frame.udp != nil || frame.tcp != nil
          ? "a frame with icmp, udp or tcp needs ip" : nil
      }
      return ip.source.isV6 == ip.destination.isV6 ? nil : "an IP packet has addresses of one family"
    }

    // MARK: Receiving

    /// Takes frames in their order, and returns the first for which `matches` is true. The others are forgotten.
    /// - Parameters:
    ///   - timeout: the longest wait; longer where guests are emulated.
    ///   - matches: runs where the caller runs.
    /// - Throws: ``ProviumError``, with the code `timeout` where no such frame arrived in time, and with the code `interrupted`
    ///   where the task was cancelled.
    nonisolated(nonsending) public func expect(
      timeout: Duration = .seconds(5),
      where matches: (Frame) -> Bool = { _ in true }
    ) async throws(ProviumError) -> Frame {
      let limit = try Self.scaled(timeout)
      let deadline = Deadline.after(limit)
      var others = 0
      // After the deadline, the frames that have arrived by then: a station that is flooded would always have another one.
      var rest: Int?
      while true {
        if deadline.isExpired {
          let left = rest ?? station.waiting
          guard left > 0 else { break }
          rest = left - 1
        }
        guard let frame = try await next(until: deadline) else { continue }
        if matches(frame) { return frame }
        others += 1
      }
      throw ProviumError(
        .timeout,
        "no frame that was expected arrived on \(network.name) within \(Quantity.text(limit)); "
          + "\(others) other\(others == 1 ? "" : "s") did"
      )
    }

    /// The frames of the station, in their order, until a time has passed. Its iteration throws a ``ProviumError``, with the code
    /// `interrupted`, where the task was cancelled.
    /// - Parameter duration: from now on; longer where guests are emulated.
    /// - Throws: ``ProviumError`` for a configuration that cannot be read.
    public func frames(for duration: Duration) throws(ProviumError) -> AsyncThrowingStream<Frame, any Error> {
      let deadline = Deadline.after(try Self.scaled(duration))
      return AsyncThrowingStream { deadline.isExpired ? nil : try await self.next(until: deadline) }
    }

    /// Forgets the frames that have arrived.
    public func clear() { station.clear() }

    private static func scaled(_ duration: Duration) throws(ProviumError) -> Duration {
      duration * (try SharedEngine.required().services.timeoutMultiplier)
    }

    /// Takes the next frame; nil when none came before the deadline.
    nonisolated(nonsending) private func next(until deadline: Deadline) async throws(ProviumError) -> Frame? {
      if Task.isCancelled { throw Self.cancelled }
      if let bytes = station.next(until: .after(.zero)) { return Frame(bytes) }
      let wait = FrameWait(station, until: deadline)
      let result = await withTaskCancellationHandler {
        await wait.result
      } onCancel: {
        wait.end()
      }
      let bytes = try result.get()
      if bytes == nil, Task.isCancelled { throw Self.cancelled }
      return bytes.map { Frame($0) }
    }

    private static let cancelled = ProviumError(.interrupted, "the test was cancelled")
  }
}

/// One wait for a frame of a station, on a thread of its own: threads of Swift's own pool must not block.
private final class FrameWait: Sendable {
  private let station: ProviumNetwork.Station
  private let deadline: Deadline
  private let isEnded = Atomic(false)

  init(_ station: ProviumNetwork.Station, until deadline: Deadline) {
    self.station = station
    self.deadline = deadline
  }

  /// The bytes of the frame; nil when none came in time.
  var result: Result<[UInt8]?, ProviumError> {
    get async {
      await withCheckedContinuation { continuation in
        do {
          _ = try DedicatedThread(name: "station") {
            let bytes = self.station.next(
              until: self.deadline,
              isEnded: { self.isEnded.load(ordering: .acquiring) }
            )
            continuation.resume(returning: .success(bytes))
          }
        } catch {
          let error = ProviumError(
            .infrastructure,
            "no thread could be started for a station: \(error)",
            cause: error
          )
          continuation.resume(returning: .failure(error))
        }
      }
    }
  }

  /// Ends the wait. Idempotent.
  func end() {
    isEnded.store(true, ordering: .releasing)
    station.wake()
  }
}
