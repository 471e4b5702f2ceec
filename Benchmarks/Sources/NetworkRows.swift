import Glibc
import ProviumAgentClient
import ProviumBoot
import ProviumJSON
import ProviumNetwork
import ProviumSystem
import ProviumVM

/// The switch between guests, against two QEMUs that are connected with each other directly, turn by turn.
struct NetworkRows {
  let host: MachineHost
  /// `Benchmarks/flood.c`, built.
  let flood: String
  let rounds: Int

  private static let program = "/bin/flood"

  private func limit() -> Deadline { .after(.seconds(120)) }

  func rows() throws -> [Row] {
    let alone = try SwitchRows(flood: flood, rounds: rounds).rows()
    return try alone + pairRows() + manyRows()
  }

  private func boot(_ devices: [NetworkDevice], memory: MemorySize = .mebibytes(256)) throws -> VirtualMachine
  {
    var configuration = MachineConfiguration(memory: memory)
    configuration.boot.files = [GuestFile(Self.program, try Files.read(flood), mode: 0o755)]
    configuration.devices = devices
    return try VirtualMachine.boot(configuration, name: "bench", on: host, until: limit())
  }

  private static func mac(_ machine: Int, _ device: Int) -> MACAddress {
    MACAddress("02:00:00:00:\(device == 0 ? "00" : "01"):0\(machine + 1)") ?? .zero
  }

  private static func address(_ machine: Int, _ device: Int) -> String { "10.7.\(device).\(machine + 1)" }

  private func configure(_ vm: VirtualMachine, _ machine: Int, _ device: Int) throws {
    let mac = Self.mac(machine, device).bytes
    guard let address = IPAddress(Self.address(machine, device)) else { return }
    _ = try vm.connection.configureInterface(
      InterfaceSettings(find: mac, address: mac, addresses: [.init(bytes: address.bytes, prefix: 24)]),
      until: limit()
    )
  }

  private func run(_ vm: VirtualMachine, _ command: String) throws -> String {
    let result = try vm.connection.exec(ByteString(command), until: limit())
    guard result.status.isSuccess else { throw SystemError("run in the guest", command, Errno(EIO)) }
    return String(decoding: result.standardOutput.bytes, as: UTF8.self)
  }

  // MARK: Two guests

  private func pairRows() throws -> [Row] {
    let lan = try NetworkSwitch(name: "bench")
    defer { lan.close() }
    let machines = try (0..<2).map { machine in
      try boot((0..<2).map { NetworkDevice(address: Self.mac(machine, $0).description) })
    }
    defer { for machine in machines { machine.kill() } }
    for (number, vm) in machines.enumerated() {
      let port = lan.addPort(name: "vm\(number)", address: Self.mac(number, 0))
      if let socket = vm.process.takeFrameSocket(of: 0) { lan.connect(port, socket) }
      try configure(vm, number, 0)
    }
    let plugging = try plugRow(machines[0])
    try connectDirectly(machines)
    for (number, vm) in machines.enumerated() { try configure(vm, number, 1) }
    return try [
      floodRow(machines, size: 22, name: "frames of 64 bytes received in a second"),
      floodRow(machines, size: 1472, name: "frames of 1514 bytes received in a second"),
      streamRow(machines), pingRow(machines), plugging,
    ]
  }

  /// Replaces the second device of both by one that is connected with the other one.
  private func connectDirectly(_ machines: [VirtualMachine]) throws {
    let pair = try Descriptor.packetPair()
    let ends = [pair.ours.raw, pair.theirs.raw]
    for (number, vm) in machines.enumerated() {
      try vm.process.unplug(1, until: limit())
      let qmp = vm.process.qmp
      try qmp.command("getfd", ["fdname": .string("direct")], passing: ends[number], until: limit())
      let local: JSONValue = .object(["type": .string("fd"), "str": .string("direct")])
      try qmp.command(
        "netdev_add",
        ["type": .string("dgram"), "id": .string("direct"), "local": local],
        until: limit()
      )
      try qmp.command(
        "device_add",
        [
          "driver": .string("virtio-net-pci"), "bus": .string("port-nic1"), "netdev": .string("direct"),
          "mac": .string(Self.mac(number, 1).description), "romfile": .string(""),
        ],
        until: limit()
      )
      try awaitDevice(vm, Self.mac(number, 1))
    }
  }

  private func awaitDevice(_ vm: VirtualMachine, _ mac: MACAddress) throws {
    _ = try run(vm, "until grep -q \(mac) /sys/class/net/*/address; do usleep 5000; done")
  }

  /// Measures both ways by turns.
  /// - Parameter measure: of the device with that number.
  private func compare(_ measure: (Int) throws -> Double) rethrows -> (ours: Sample, theirs: Sample) {
    var ours = Sample(), theirs = Sample()
    for _ in 0..<rounds {
      theirs.add(try measure(1))
      ours.add(try measure(0))
    }
    return (ours, theirs)
  }

  private func floodRow(_ machines: [VirtualMachine], size: Int, name: String) throws -> Row {
    let (ours, theirs) = try compare { device in
      let job = "\(Self.program) sink 9 1600 > /tmp/count & echo"
      _ = try run(machines[1], job)
      _ = try run(
        machines[0],
        "usleep 100000; \(Self.program) send \(Self.address(1, device)) 9 \(size) 1000"
      )
      let count = try run(machines[1], "usleep 700000; cat /tmp/count").trimmed
      return Double(count) ?? 0
    }
    return Row(
      name: name,
      figure: number(ours.median),
      baseline: "\(number(theirs.median)) two QEMUs connected directly",
      value: ours.median / theirs.median,
      unit: "×",
      promise: .atLeast(0.9)
    )
  }

  private func streamRow(_ machines: [VirtualMachine]) throws -> Row {
    let megabytes = 24
    let (ours, theirs) = try compare { device in
      // The end of the server's input would end the connection.
      _ = try run(machines[1], "mkfifo -m 600 /tmp/open; nc -l -p 99 <> /tmp/open > /dev/null & echo")
      _ = try run(machines[1], "until grep -q ':0063 ' /proc/net/tcp /proc/net/tcp6; do usleep 5000; done")
      let begin = Deadline.now
      _ = try run(
        machines[0],
        "dd if=/dev/zero bs=64k count=\(megabytes * 16) 2>/dev/null | nc \(Self.address(1, device)) 99 > /dev/null"
      )
      let seconds = Double(Deadline.now - begin) / 1e9
      return Double(megabytes) / seconds
    }
    return Row(
      name: "one TCP stream",
      figure: "\(number(ours.median)) MB/s",
      baseline: "\(number(theirs.median)) MB/s two QEMUs connected directly",
      value: ours.median / theirs.median,
      unit: "×",
      promise: .atLeast(0.9)
    )
  }

  private func pingRow(_ machines: [VirtualMachine]) throws -> Row {
    let (ours, theirs) = try compare { device in
      let output = try run(machines[0], "ping -c 40 -i 0.02 \(Self.address(1, device))")
      // round-trip min/avg/max = 0.6/1.2/3.4 ms. The mean of a busy host is noise.
      let times = output.split(separator: "\n").compactMap { line -> Double? in
        guard let start = line.firstRange(of: "time=") else { return nil }
        return Double(line[start.upperBound...].prefix { $0 != " " })
      }.sorted()
      return times.isEmpty ? .nan : times[times.count / 2] / 1e3
    }
    return Row(
      name: "round trip of a ping",
      figure: text(seconds: ours.median),
      baseline: "\(text(seconds: theirs.median)) two QEMUs connected directly",
      value: ours.median / theirs.median,
      unit: "×",
      promise: .atMost(1.15)
    )
  }

  private func plugRow(_ vm: VirtualMachine) throws -> Row {
    var sample = Sample()
    for _ in 0..<rounds {
      try vm.process.unplug(1, until: limit())
      try sample.take {
        try vm.process.plug(1, until: limit())
        let end = limit()
        while true {
          do {
            try configure(vm, 0, 1)
            break
          } catch let error as GuestError {
            // The kernel has not found the device yet. Provium polls in the same way.
            guard case .refused(.ENODEV, _) = error, !end.isExpired else { throw error }
            usleep(2000)
          }
        }
      }
    }
    return Row(
      name: "a network device is plugged in and has its address",
      figure: text(seconds: sample.median),
      baseline: "",
      value: sample.median * 1e3,
      unit: " ms",
      promise: .atMost(300)
    )
  }

  // MARK: Eight guests

  private func manyRows() throws -> [Row] {
    let count = 8
    let lan = try NetworkSwitch(name: "many")
    defer { lan.close() }
    var machines: [VirtualMachine] = []
    defer { for machine in machines { machine.kill() } }
    for number in 0..<count {
      let vm = try boot(
        [NetworkDevice(address: Self.mac(number, 0).description)],
        memory: .mebibytes(128)
      )
      machines.append(vm)
      let port = lan.addPort(name: "vm\(number)", address: Self.mac(number, 0))
      if let socket = vm.process.takeFrameSocket(of: 0) { lan.connect(port, socket) }
      try configure(vm, number, 0)
    }
    for number in stride(from: 0, to: count, by: 2) {
      _ = try run(machines[number + 1], "\(Self.program) sink 9 8000 > /dev/null & echo")
    }
    let switchBefore = CPUTime.thread(named: "net-many")
    let guestsBefore = machines.reduce(0) { $0 + CPUTime.process($1.process.child.pid) }
    for number in stride(from: 0, to: count, by: 2) {
      let line = "\(Self.program) send \(Self.address(number + 1, 0)) 9 1000 4000 > /tmp/sent & echo"
      _ = try run(machines[number], line)
    }
    for number in stride(from: 0, to: count, by: 2) {
      _ = try run(machines[number], "until [ -s /tmp/sent ]; do usleep 50000; done")
    }
    let used = CPUTime.thread(named: "net-many") - switchBefore
    let guests = machines.reduce(0) { $0 + CPUTime.process($1.process.child.pid) } - guestsBefore
    return [
      Row(
        name: "processor time of the switch while eight VMs send and receive",
        figure: text(seconds: used),
        baseline: "\(text(seconds: guests)) of the VMs",
        value: used / guests * 100,
        unit: " %",
        promise: .atMost(10)
      )
    ]
  }
}
