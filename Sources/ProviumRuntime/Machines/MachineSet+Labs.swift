import Logging
import ProviumNetwork
import ProviumSystem
import ProviumVM

/// VMs that are saved and resumed together, with the networks between them.
extension MachineSet {
  // MARK: Saving

  /// Saves all VMs that run, and all networks. All VMs are stopped before any is saved, so that no VM has seen a frame that another
  /// one will send after the resume.
  /// - Returns: a lab whose snapshots have no folder.
  func saveTogether(as name: String, to work: String) throws -> SavedLab {
    let members = all.filter { $0.state == .booted }
    try check(members, of: name)
    let networks = context.networks.all
    let limit = context.services.configuration.settings.bootTimeout * context.services.timeoutMultiplier
    let deadline = Deadline.earliest(
      FairDeadline(length: limit, sample: context.limits.sample).deadline,
      context.limits.deadline
    )
    do {
      let machines = try members.map { try $0.usable() }
      for machine in machines { try machine.settle(until: deadline) }
      for machine in machines { try machine.process.pause(until: deadline) }
      let saved = try networks.enumerated().map { number, network in
        try save(network, number: number, of: members, to: work)
      }
      let nodes = try zip(members, machines).map { member, machine in
        try store(member, machine, of: name, networks: networks, to: work, until: deadline)
      }
      return SavedLab(machines: nodes, networks: saved)
    } catch {
      for member in members { member.kill("the lab could not be saved") }
      throw error
    }
  }

  private func check(_ members: [Machine], of name: String) throws {
    guard !members.isEmpty else {
      throw ProviumError(
        .invalidUse,
        "no machine runs at the end of the script: leave the lab's machines booted"
      )
    }
    var names: Set<String> = ["networks"]
    for member in members {
      guard names.insert(member.hostName).inserted else {
        throw ProviumError(
          .invalidUse,
          "a machine of a lab cannot be called '\(member.hostName)', which is another name of the lab: "
            + "give each machine a hostname of its own"
        )
      }
      try member.checkDisksCanBeSaved(of: try member.usable())
    }
    for network in context.networks.all {
      // The first port of a network that leases addresses is its own.
      guard network.ports.dropFirst(network.leases == nil ? 0 : 1).contains(where: \.isStation) else {
        continue
      }
      throw ProviumError(
        .invalidUse,
        "the network \(network.name) of the lab has a port that the script plays, which cannot be saved: "
          + "add it in the test, by lab.networks.\(network.name):port"
      )
    }
  }

  private func save(_ network: VirtualNetwork, number: Int, of members: [Machine], to work: String) throws
    -> SavedNetwork
  {
    var ends: [PortNumber: Int32] = [:]
    for member in members {
      for (device, interface) in member.interfaces.enumerated() where interface.network === network {
        ends[interface.port] = try member.usable().process.frameEnd(of: device)
      }
    }
    let (state, frames) = network.network.takeState(ends: ends)
    try Files.write(FrameInFlight.encode(frames), to: "\(work)/\(SavedLab.framesName(number))")
    return SavedNetwork(
      name: network.name,
      subnets: network.subnets,
      mtu: network.mtu,
      hasDHCP: network.leases == nil ? nil : true,
      ports: network.ports,
      state: state
    )
  }

  private func store(
    _ member: Machine,
    _ machine: VirtualMachine,
    of name: String,
    networks: [VirtualNetwork],
    to work: String,
    until deadline: Deadline
  ) throws -> SavedLab.Node {
    let folder = "\(work)/\(SavedLab.folder(of: member.hostName))"
    try Files.createDirectories(folder, mode: 0o700)
    var snapshot = try machine.store(to: folder, host: context.services.host, until: deadline)
    for (number, file) in snapshot.diskFiles where file.path.hasPrefix("\(work)/") {
      let own = "disk\(number)"
      try Files.rename(file.path, to: "\(folder)/\(own)")
      snapshot.diskFiles[number]?.path = own
    }
    if member.bootConfiguration == nil { snapshot.lacksFiles = true }
    snapshot.folder = ""
    snapshot.name = "\(name)/\(member.hostName)"
    let interfaces = member.interfaces.compactMap { interface -> SavedLab.Interface? in
      guard let network = networks.firstIndex(where: { $0 === interface.network }) else { return nil }
      return SavedLab.Interface(
        network: network,
        port: interface.port.rawValue - 1,
        guestName: interface.guestName,
        isUp: interface.isUp
      )
    }
    member.end(.paused, reason: "saved")
    return SavedLab.Node(
      name: member.hostName,
      profile: member.profile.name,
      snapshot: snapshot,
      interfaces: interfaces
    )
  }

  // MARK: Resuming

  /// Resumes all VMs and networks of a lab. No VM runs before all are loaded and connected.
  /// - Parameter folder: of the build.
  /// - Throws: `UnusableSnapshot` if no lab resulted from it; `PoolError`.
  func resumeTogether(_ lab: SavedLab, named name: String, from folder: String) throws -> Lab {
    let begin = Deadline.now
    var networks: [VirtualNetwork] = []
    var ports: [[Int: NetworkInterface]] = []
    for saved in lab.networks {
      let (network, interfaces) = try context.networks.add(saved)
      networks.append(network)
      ports.append(interfaces)
    }
    let configuration = context.services.configuration
    let members = lab.machines.map { node in
      let member = add(
        profile: (try? configuration.profile(node.profile)) ?? Profile(name: node.profile)
      )
      member.hostName = node.name
      member.interfaces = node.interfaces.compactMap { ports[$0.network][$0.port] }
      for (index, (interface, saved)) in zip(member.interfaces, node.interfaces).enumerated() {
        interface.guestName = saved.guestName
        interface.isUp = saved.isUp
        interface.isPlugged = node.snapshot.configuration.networkDevices[index].isPlugged
      }
      return member
    }
    let snapshots = lab.machines.map { node in
      var snapshot = node.snapshot
      snapshot.folder = "\(folder)/\(node.folder)"
      return snapshot
    }
    for (member, snapshot) in zip(members, snapshots) {
      try member.admitResume(of: snapshot)
      member.announceResume(of: snapshot, origin: ResumeOrigin.fixture(name).text(isWarm: false))
    }
    context.activity("resuming the lab \(name)")
    var loaded: [LoadedMachine] = []
    do {
      let limit = configuration.settings.bootTimeout * context.services.timeoutMultiplier
      let deadline = Deadline.earliest(
        FairDeadline(length: limit, sample: context.limits.sample).deadline,
        context.limits.deadline
      )
      for (member, snapshot) in zip(members, snapshots) {
        let machine = try member.load(snapshot, until: deadline)
        loaded.append(machine)
        try member.connect(machine.process, until: deadline)
      }
      for (number, network) in networks.enumerated() {
        let bytes = try Files.read("\(folder)/\(SavedLab.framesName(number))")
        guard network.network.restore(lab.networks[number].state), let frames = FrameInFlight.decode(bytes)
        else { throw ProviumError(.infrastructure, "the state of the network \(network.name) is damaged") }
        network.network.deliver(frames)
      }
      for machine in loaded { try machine.process.proceed(until: deadline) }
      for (member, machine) in zip(members, loaded) {
        member.adopt(try machine.start(until: deadline), since: begin)
        member.bootConfiguration =
          machine.snapshot.lacksFiles == true ? nil : machine.snapshot.configuration
        member.watchCost()
      }
    } catch {
      for (number, member) in members.enumerated() {
        if member.state == .booted {
          member.kill("the lab could not be resumed")
        } else {
          if number < loaded.count { loaded[number].discard() }
          _ = member.failedToStart(error)
        }
      }
      if error is StorageError { throw error }
      throw UnusableSnapshot(cause: ProviumError(.startFailed, "the lab \(name): \(error)", cause: error))
    }
    return Lab(name: name, machines: members.map { ($0.hostName, $0) }, networks: networks)
  }
}

extension Machine {
  /// Loads a snapshot. The VM does not run yet.
  fileprivate func load(_ snapshot: Snapshot, until deadline: Deadline) throws -> LoadedMachine {
    try VirtualMachine.load(
      snapshot,
      on: context.services.host,
      until: deadline,
      started: { noteRunning($0) },
      log: log
    )
  }

  /// Connects the devices of a loaded VM, which keeps its addresses.
  fileprivate func connect(_ process: QEMUProcess, until deadline: Deadline) throws {
    for device in process.configuration.networkDevices.indices where process.isPlugged(device) {
      guard interfaces.indices.contains(device) else {
        try process.setLink(of: device, isUp: false, until: deadline)
        continue
      }
      let interface = interfaces[device]
      if let socket = process.takeFrameSocket(of: device) {
        interface.network.network.connect(interface.port, socket)
      }
      if !interface.isUp { try process.setLink(of: device, isUp: false, until: deadline) }
    }
  }
}
