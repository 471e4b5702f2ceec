import ProviumBoot
import ProviumVM
import ProviumSystem
import Testing

@testable import ProviumRuntime

@Suite("An engine") struct EngineTests {
  @Test("the accelerator's reason names the guests that KVM does not run, or why everything is emulated")
  func reason() {
    let kvm = AcceleratorVerdict(.kvm),
      foreign = AcceleratorVerdict(.tcg, reason: "aarch64 guests are emulated")
    let emulating = AcceleratorVerdict(.tcg, reason: "no /dev/kvm")
    #expect(EngineServices.reason([kvm]) == "")
    #expect(EngineServices.reason([kvm, foreign]) == "aarch64 guests are emulated")
    #expect(EngineServices.reason([emulating, foreign]) == "no /dev/kvm")
  }

  @Test("time limits grow tenfold where guests are emulated, and by the user's factor where there is one")
  func timeoutMultiplier() throws {
    let folder = "/tmp/provium-test-engine-\(UInt64.random(in: 0 ... .max))"
    try Files.createDirectories(folder)
    defer { try? Files.removeTree(folder) }
    var configuration = Configuration(root: folder)
    configuration.settings.cache = folder
    var options = EngineOptions()
    options.accelerator = .tcg
    var engine = try Engine(configuration: configuration, options: options, sinks: [])
    #expect(engine.timeoutMultiplier == 10)
    engine.close()
    configuration.settings.timeoutMultiplier = 3
    engine = try Engine(configuration: configuration, options: options, sinks: [])
    #expect(engine.timeoutMultiplier == 3)
    engine.close()
    // The command line and the environment override the project.
    options.timeoutMultiplier = 2.5
    engine = try Engine(configuration: configuration, options: options, sinks: [])
    #expect(engine.timeoutMultiplier == 2.5)
    engine.close()
  }

  @Test("the user's factor for time limits is a number from 0.1 to 1000") func userMultiplier() throws {
    func options(_ text: String) throws -> EngineOptions {
      try EngineOptions.fromEnvironment { $0 == "PROVIUM_TIMEOUT_MULTIPLIER" ? text : nil }
    }
    #expect(try options("20").timeoutMultiplier == 20)
    for text in ["0", "-1", "nan", "ten", "1e9"] {
      #expect(throws: EnvironmentError.self, "\(text)") { try options(text) }
    }
  }
}
