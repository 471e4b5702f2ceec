/// The names of machines.
extension MachineSet {
  /// Tells the guests of all VMs on networks the names of the others.
  package func updateHosts() throws {
    let members = all.filter { !$0.interfaces.isEmpty && $0.state == .booted }
    for machine in members {
      let networks = machine.interfaces.map { ObjectIdentifier($0.network) }
      let lines = members.flatMap { other in
        other.interfaces.filter { networks.contains(ObjectIdentifier($0.network)) }.flatMap { interface in
          interface.addresses.map { "\($0) \(other.hostName)" }
        }
      }
      try machine.writeHosts(lines)
    }
  }
}
