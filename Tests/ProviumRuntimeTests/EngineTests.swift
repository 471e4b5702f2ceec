import ProviumBoot
import ProviumVM
import ProviumSystem
import Testing

@testable import ProviumRuntime

@Suite("An engine") struct EngineTests {
  @Test("says of KVM which guests it does not run, and of emulation only why") func reason() {
    let kvm = AcceleratorVerdict(.kvm),
      foreign = AcceleratorVerdict(.tcg, reason: "aarch64 guests are emulated")
    let emulating = AcceleratorVerdict(.tcg, reason: "no /dev/kvm")
    #expect(EngineServices.reason([kvm]) == "")
    #expect(EngineServices.reason([kvm, foreign]) == "aarch64 guests are emulated")
    #expect(EngineServices.reason([emulating, foreign]) == "no /dev/kvm")
  }

  @Test(
    "stretches a machine's limits by its own architecture's cost, and a file's by the largest of the profiles",
    .enabled(
      if: GuestPlatform.all.allSatisfy { ToolRun.find("qemu-system-\($0.name)") != nil },
      "not every QEMU is installed"
    )
  )
  func scales() throws {
    let folder = "/tmp/provium-test-engine-\(UInt64.random(in: 0 ... .max))"
    try Files.createDirectories(folder)
    defer { try? Files.removeTree(folder) }
    let foreign = try #require(GuestPlatform.all.map(\.name).first { $0 != HostFacts.machine })
    for (architecture, cost) in [(HostFacts.machine, 9.0), (foreign, 99)] {
      let qemu = try QEMUBinary.find(architecture: architecture, cache: folder)
      let text = "\(HostFacts.bootID) \(qemu.path) \(qemu.version)\n\(Double(Deadline.now) / 1e9) \(cost)\n"
      try Files.write(Array(text.utf8), to: "\(folder)/emulation-cost-\(architecture)")
    }
    var configuration = Configuration(root: folder)
    configuration.settings.cache = folder
    var options = EngineOptions()
    options.accelerator = .tcg
    var engine = try Engine(configuration: configuration, options: options, sinks: [])
    #expect(engine.timeoutMultiplier == 5 && engine.slowdown == 9)
    engine.close()
    var profile = Profile(name: "small")
    profile.architecture = foreign
    configuration.profiles = ["small": profile]
    engine = try Engine(configuration: configuration, options: options, sinks: [])
    #expect(engine.timeoutMultiplier == 50 && engine.slowdown == 99)
    #expect(
      engine.services.timeoutMultiplier(for: HostFacts.machine) == 5
        && engine.services.timeoutMultiplier(for: foreign) == 50
    )
    engine.close()
  }
}
