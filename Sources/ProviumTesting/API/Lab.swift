import ProviumRunner
import ProviumRuntime
import ProviumSystem
import Synchronization
public import Testing

/// The VMs and networks of a fixture's script, which were saved and resumed together. ``withLab(_:sourceLocation:_:)`` makes one.
///
/// `Docs/Networks.md` describes labs.
public final class Lab: Sendable {
  /// The name of the script without `.lua`.
  public let name: String
  /// The VMs, in the order in which the script made them.
  public let machines: [VirtualMachine]
  /// The networks, in the order in which the script made them.
  public let networks: [Network]
  /// The names of the VMs, in the order of ``machines``.
  public let hostNames: [String]

  fileprivate init(_ name: String, _ lab: NativeLab, _ machines: [VirtualMachine]) {
    self.name = name
    self.machines = machines
    hostNames = lab.members.map(\.hostName)
    networks = lab.networks.map { network in
      let interfaces = lab.members.flatMap(\.interfaces).filter { $0.network === network }
      return Network(network, of: interfaces)
    }
  }

  /// The VM with a host name.
  /// - Throws: ``ProviumError``, with the code `invalidUse`, where the lab has no such VM.
  public func machine(_ hostName: String) throws(ProviumError) -> VirtualMachine {
    guard let index = hostNames.firstIndex(of: hostName) else {
      throw unknown("machine", hostName, hostNames)
    }
    return machines[index]
  }

  /// The network with a name.
  /// - Throws: ``ProviumError``, with the code `invalidUse`, where the lab has no such network.
  public func network(_ name: String) throws(ProviumError) -> Network {
    guard let network = networks.first(where: { $0.name == name }) else {
      throw unknown("network", name, networks.map(\.name))
    }
    return network
  }

  private func unknown(_ kind: String, _ wanted: String, _ names: [String]) -> ProviumError {
    ProviumError(
      .invalidUse,
      "the lab \(name) has no \(kind) '\(wanted)'\(NearestName.hint(for: wanted, among: names)); it has: "
        + (names.isEmpty ? "none" : names.joined(separator: ", "))
    )
  }
}

/// Resumes the VMs and networks of a fixture's script, runs `body`, and ends them, also when `body` throws.
///
/// ```swift
/// // fixtures/cluster.lua boots node1 and node2 on the network lan.
/// try await withLab("cluster") { lab in
///   let node1 = try lab.machine("node1")
///   #expect(try await node1.exec("ping -c 1 node2").isSuccess)
///   try lab.network("lan").partition([node1], [lab.machine("node2")])
/// }
/// ```
///
/// The script runs once; its VMs and networks are saved together at its end. Each lab is a copy: the next one sees nothing of
/// it. Tasks may use several VMs of a lab at once. A cancelled task ends all of them.
///
/// - Parameters:
///   - fixture: the name of a fixture script without `.lua`; see
///     ``withVirtualMachine(fixture:networks:hostName:sourceLocation:_:)``. A lab that is not built, or stale, is built first.
///   - sourceLocation: where a kernel report is recorded as an issue.
///   - body: the work with the lab. It runs where the caller runs. The lab, its VMs and its networks must not be used after `body`
///     has returned. ``VirtualMachine/current`` is not one of its VMs.
/// - Returns: the value that `body` returned.
/// - Throws: ``ProviumError`` if the lab does not exist, cannot be built or cannot be resumed. Otherwise the error that `body` threw.
@discardableResult
nonisolated(nonsending) public func withLab<Result>(
  _ fixture: String,
  sourceLocation: SourceLocation = #_sourceLocation,
  _ body: nonisolated(nonsending) (Lab) async throws -> Result
) async throws -> Result {
  let resumed = Mutex<NativeLab?>(nil)
  let start: @Sendable (NativeMachine) throws -> Void = { owner in
    let lab = try owner.resume(lab: fixture)
    resumed.withLock { $0 = lab }
  }
  return try await VirtualMachine.scoped(at: sourceLocation, becomesCurrent: false, start) { owner in
    guard let lab = resumed.withLock({ $0 }) else { preconditionFailure("scoped() runs start first") }
    let machines = try owner.machines(of: lab, at: sourceLocation)
    // The owner can end only after the threads of the VMs.
    do {
      let result = try await body(Lab(fixture, lab, machines))
      for machine in machines { await machine.release() }
      return result
    } catch {
      for machine in machines { await machine.release() }
      throw error
    }
  }
}
