import Glibc
public import ProviumNetwork
import ProviumRunner
import ProviumRuntime
import ProviumSystem
import Synchronization
public import Testing

/// A network of virtual machines: an Ethernet switch inside this process.
///
/// ```swift
/// let lan = try Network("lan")
/// try await withVirtualMachine(networks: [lan], hostName: "a") { a in
///   try await withVirtualMachine(networks: [lan], hostName: "b") { b in
///     #expect(try await b.exec("ping -c 1 a").isSuccess)
///     try lan.partition([a], [b])
///     #expect(try await b.exec("ping -c 1 -W 1 a").isSuccess == false)
///     lan.heal()
///     var slow = Impairment()
///     slow.delay = .milliseconds(20)
///     try lan.set(slow, between: a, and: b)
///     #expect(try await b.exec("ping -c 1 a").isSuccess)
///   }
/// }
/// ```
///
/// The VMs reach each other and nothing else, unless the network reaches the host. A VM knows the names of those that were started on its networks before it.
/// `Docs/Networks.md` describes addresses and impairments. The network ends with its last use.
public final class Network: Sendable {
  let virtual: VirtualNetwork
  /// False for a network of a lab, which the scope of the lab ends.
  private let isOwner: Bool
  /// The lines of `/etc/hosts` for the VMs that were started.
  private let hosts = Mutex<[String]>([])

  /// Creates a network.
  /// - Parameters:
  ///   - name: for messages and captures.
  ///   - subnets: IPv4 and IPv6 subnets, such as `10.7.0.0/24` and `fd07::/64`; empty: one of IPv4.
  ///   - mtu: from 576 to 65500; nil: 1500.
  ///   - hasDHCP: whether guests ask the network for their IPv4 addresses.
  ///   - reachesHost: whether VMs reach this computer and what it reaches, over IPv4. A warning of the test names the network,
  ///     because the test then depends on more than its inputs. The call blocks until a QEMU for it has started.
  ///   - sourceLocation: where the warning is recorded.
  /// - Throws: ``ProviumError``, with the code `invalidUse`, for settings that no network can have, and with the code
  ///   `unavailable` where the host cannot be reached.
  public init(
    _ name: String,
    subnets: [String] = [],
    mtu: Int? = nil,
    hasDHCP: Bool = false,
    reachesHost: Bool = false,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws(ProviumError) {
    var plan = NetworkPlan(name: name, mtu: mtu, hasDHCP: hasDHCP, reachesHost: reachesHost)
    for text in subnets {
      guard let subnet = IPSubnet(text) else {
        throw ProviumError(
          .invalidUse,
          "\(text) is no subnet with room for two hosts, such as 10.7.0.0/24 or fd07::/64"
        )
      }
      plan.subnets.append(subnet)
    }
    if let mtu, !(576...65500).contains(mtu) {
      throw ProviumError(.invalidUse, "the MTU of a network must be from 576 to 65500, got \(mtu)")
    }
    isOwner = true
    let services = reachesHost ? try SharedEngine.required().services : nil
    do { virtual = try VirtualNetwork(plan, services) } catch let error as ProviumError { throw error } catch
    {
      throw ProviumError(.infrastructure, "the network \(name) could not be created: \(error)", cause: error)
    }
    if reachesHost { Self.warn(virtual.hostWarning, at: sourceLocation) }
  }

  /// A network of a lab, whose VMs know each other's names already.
  init(_ virtual: VirtualNetwork, of interfaces: [NativeMachine.Interface]) {
    self.virtual = virtual
    isOwner = false
    for interface in interfaces { _ = add(interface) }
  }

  deinit { if isOwner { virtual.end() } }

  /// The name of the network.
  public var name: String { virtual.name }

  /// The addresses of a VM on the network, as text.
  /// - Throws: ``ProviumError``, with the code `invalidUse`, for a VM that is not on the network.
  public func addresses(of vm: VirtualMachine) throws(ProviumError) -> [String] {
    try interface(of: vm).addresses.map(\.description)
  }

  /// The Ethernet address of a VM's device on the network.
  /// - Throws: ``ProviumError``, with the code `invalidUse`, for a VM that is not on the network.
  public func mac(of vm: VirtualMachine) throws(ProviumError) -> MACAddress { try interface(of: vm).mac }

  /// Leads connections to a TCP port of this computer's loopback interface to a VM, until the end of the network.
  ///
  /// ```swift
  /// let wan = try Network("wan", reachesHost: true)
  /// try await withVirtualMachine(networks: [wan]) { vm in
  ///   let port = try wan.forward(to: 80, of: vm)
  ///   print("http://127.0.0.1:\(port)/")
  /// }
  /// ```
  ///
  /// A warning of the test names the forward.
  /// - Parameters:
  ///   - guestPort: the port of the VM.
  ///   - vm: a VM on the network.
  ///   - hostPort: the port of this computer; nil: a free one.
  ///   - sourceLocation: where the warning is recorded.
  /// - Returns: the port of this computer.
  /// - Throws: ``ProviumError``, with the code `invalidUse`, for a network without `reachesHost`, a VM that is not on it, and a
  ///   port of this computer that is in use.
  @discardableResult
  public func forward(
    to guestPort: UInt16,
    of vm: VirtualMachine,
    from hostPort: UInt16? = nil,
    sourceLocation: SourceLocation = #_sourceLocation
  ) throws(ProviumError) -> UInt16 {
    let addresses = try interface(of: vm).addresses
    guard guestPort > 0, hostPort != 0 else { throw ProviumError(.invalidUse, "0 is no port") }
    let port = try virtual.forward(port: hostPort, to: addresses, guestPort)
    Self.warn(virtual.forwardWarning(port: port, to: addresses, guestPort), at: sourceLocation)
    return port
  }

  private static func warn(_ text: String, at location: SourceLocation) {
    Issue.record(Comment(rawValue: text), severity: .warning, sourceLocation: location)
  }

  // MARK: Impairments

  /// Replaces what happens to frames between two members, in both directions; nil: what happens to all frames.
  /// - Throws: ``ProviumError``, with the code `invalidUse`, for an impairment that is impossible, or a member of another network.
  public func set(_ impairment: Impairment?, between one: any NetworkMember, and other: any NetworkMember)
    throws(ProviumError)
  {
    try set(impairment, from: one, to: other)
    try set(impairment, from: other, to: one)
  }

  /// Replaces what happens to frames from a member to another; nil: what happens to all frames.
  /// - Throws: ``ProviumError``, with the code `invalidUse`, for an impairment that is impossible, or a member of another network.
  public func set(_ impairment: Impairment?, from sender: any NetworkMember, to receiver: any NetworkMember)
    throws(ProviumError)
  {
    try check(impairment)
    virtual.network.set(impairment, from: try port(of: sender), to: try port(of: receiver))
  }

  /// Replaces what happens to all frames that have no impairment of their own; nil: nothing.
  /// - Throws: ``ProviumError``, with the code `invalidUse`, for an impairment that is impossible.
  public func setAll(_ impairment: Impairment?) throws(ProviumError) {
    try check(impairment)
    virtual.network.setAll(impairment)
  }

  private func check(_ impairment: Impairment?) throws(ProviumError) {
    if let problem = impairment?.problem { throw ProviumError(.invalidUse, problem) }
  }

  /// Divides the members into groups that do not reach each other, instead of earlier groups. Members of no group reach all.
  /// - Throws: ``ProviumError``, with the code `invalidUse`, for a member of another network, or in two groups.
  public func partition(_ groups: [any NetworkMember]...) throws(ProviumError) {
    var seen: Set<PortNumber> = []
    var ports: [[PortNumber]] = []
    for group in groups {
      var numbers: [PortNumber] = []
      for member in group {
        let port = try port(of: member)
        guard seen.insert(port).inserted else {
          throw ProviumError(.invalidUse, "a VM or station is in two groups of a partition")
        }
        numbers.append(port)
      }
      ports.append(numbers)
    }
    virtual.network.partition(ports)
  }

  /// Ends the partition.
  public func heal() { virtual.network.partition([]) }

  /// A kind of frames.
  public enum Frames: Sendable, Hashable {
    case all, arp, ipv4, ipv6, icmp, icmp6
    /// With this source or destination port; nil: any.
    case udp(port: UInt16?)
    case tcp(port: UInt16?)

    var filter: FrameFilter {
      switch self {
      case .all: FrameFilter()
      case .arp: FrameFilter(kind: .arp)
      case .ipv4: FrameFilter(kind: .ipv4)
      case .ipv6: FrameFilter(kind: .ipv6)
      case .icmp: FrameFilter(kind: .icmp)
      case .icmp6: FrameFilter(kind: .icmp6)
      case .udp(let port): FrameFilter(kind: .udp, port: port)
      case .tcp(let port): FrameFilter(kind: .tcp, port: port)
      }
    }
  }

  /// Drops frames, until ``removeDrops()``.
  /// - Parameters:
  ///   - frames: the kind of frames.
  ///   - sender: nil: any.
  ///   - receiver: nil: any.
  ///   - nth: the number of the one frame that is dropped, from 1; nil: all.
  /// - Throws: ``ProviumError``, with the code `invalidUse`, for a member of another network, and for a number below 1.
  public func drop(
    _ frames: Frames,
    from sender: (any NetworkMember)? = nil,
    to receiver: (any NetworkMember)? = nil,
    nth: Int? = nil
  ) throws(ProviumError) {
    if let nth, nth < 1 { throw ProviumError(.invalidUse, "the first frame has the number 1, got \(nth)") }
    var ports: [PortNumber?] = []
    for member in [sender, receiver] {
      if let member { ports.append(try port(of: member)) } else { ports.append(nil) }
    }
    virtual.network.drop(frames.filter, from: ports[0], to: ports[1], nth: nth)
  }

  /// Ends all ``drop(_:from:to:nth:)``.
  public func removeDrops() { virtual.network.removeDropRules() }

  // MARK: Observation

  /// The counts of a VM's frames.
  public struct Counts: Sendable, Hashable {
    /// Frames that came from the VM.
    public let received: Int
    /// Frames that were handed to the VM.
    public let sent: Int
    /// Frames from another Ethernet address than the VM's own.
    public let foreign: Int
    /// Frames to the VM that were dropped, for any reason.
    public let dropped: Int
  }

  /// Counts the frames of a VM since it was started on the network.
  /// - Throws: ``ProviumError``, with the code `invalidUse`, for a VM that is not on the network.
  public func counts(of vm: VirtualMachine) throws(ProviumError) -> Counts {
    let counts = virtual.network.counts(of: try interface(of: vm).port)
    return Counts(
      received: counts.received,
      sent: counts.sent,
      foreign: counts.foreign,
      dropped: counts.dropped
    )
  }

  /// Writes all frames from now on into a pcapng file.
  /// - Throws: ``ProviumError``, with the code `storage`, for a file that cannot be written.
  public func capture(to path: String) throws(ProviumError) {
    do { virtual.network.startCapture(try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)) } catch {
      throw ProviumError(.storage, "\(error)", cause: error)
    }
  }

  /// Completes the capture.
  /// - Returns: the number of its entries.
  /// - Throws: ``ProviumError``, with the code `storage`, where the file could not be written.
  @discardableResult
  public func stopCapture() throws(ProviumError) -> Int {
    do { return try virtual.network.stopCapture() } catch {
      throw ProviumError(.storage, "the capture of \(name) could not be written: \(error)", cause: error)
    }
  }

  // MARK: Names

  /// Adds a VM that was started to those whose names the next ones get.
  /// - Returns: the lines of `/etc/hosts` for all.
  func add(_ interface: NativeMachine.Interface) -> [String] {
    hosts.withLock { hosts in
      hosts += interface.addresses.map { "\($0) \(interface.hostName)" }
      return hosts
    }
  }
}
