import ProviumTesting
import Testing

/// Networks of VMs in tests that are written in Swift.
@Suite("Networks in Swift", .requires(.virtualMachines))
struct NetworkTests {
  private static let small = VirtualMachine.Configuration(memory: .mebibytes(256))

  @Test(
    "two VMs reach each other by name, until a partition, a drop, a cut link or an unplugged device stops them"
  )
  func pair() async throws {
    let lan = try Network("lan", subnets: ["10.7.0.0/24", "fd07::/64"], mtu: 9000)
    try await withVirtualMachine(Self.small, networks: [lan], hostName: "a") { a in
      try await withVirtualMachine(Self.small, networks: [lan], hostName: "b") { b in
        func reaches(_ options: String = "-c 1 -W 2") async throws -> Bool {
          try await b.exec("ping \(options) a").isSuccess
        }
        #expect(try lan.addresses(of: a) == ["10.7.0.1", "fd07::1"])
        #expect(try await reaches("-c 1 -W 2 -s 8900"))
        try lan.partition([a], [b])
        #expect(try await !reaches("-c 1 -W 1"))
        lan.heal()
        try lan.drop(.icmp, from: b, to: a, nth: 1)
        #expect(try await !reaches("-c 1 -W 1"))
        #expect(try await reaches())
        lan.removeDrops()
        var cut = Impairment()
        cut.isCut = true
        try lan.set(cut, from: a, to: b)
        #expect(try await !reaches("-c 1 -W 1"))
        try lan.set(nil, from: a, to: b)
        try await a.unplug(from: lan)
        #expect(try await !reaches("-c 1 -W 1"))
        try await a.plug(into: lan)
        #expect(try await reaches())
        try await a.setLink(to: lan, isUp: false)
        #expect(try await !reaches("-c 1 -W 1"))
        try await a.setLink(to: lan, isUp: true)
        #expect(try lan.counts(of: b).received > 0)
        #expect(try lan.counts(of: a).dropped >= 2)
      }
    }
  }

  @Test("impossible networks, impairments and VMs are refused") func mistakes() async throws {
    #expect(throws: ProviumError.self) { try Network("lan", subnets: ["10.7.0.0"]) }
    #expect(throws: ProviumError.self) { try Network("lan", subnets: ["10.7.0.0/24", "10.7.0.0/25"]) }
    #expect(throws: ProviumError.self) { try Network("lan", mtu: 5) }
    let lan = try Network("lan")
    var lossy = Impairment()
    lossy.loss = 2
    #expect(throws: ProviumError.self) { try lan.setAll(lossy) }
    try await withVirtualMachine(fixture: "base") { vm in
      let error = #expect(throws: ProviumError.self) { try lan.addresses(of: vm) }
      #expect(error?.message == "the VM is not on the network lan")
      await #expect(throws: ProviumError.self) { try await vm.unplug(from: lan) }
      await #expect(throws: ProviumError.self) {
        try await withVirtualMachine(fixture: "base", networks: [lan]) { _ in }
      }
    }
  }
}
