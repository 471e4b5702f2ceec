import Testing

@testable import ProviumRuntime

@Suite("Options from the environment") struct EngineOptionsTests {
  @Test("environment variables mean the same as the flags of provium test") func values() throws {
    let variables = [
      "PROVIUM_ACCEL": "tcg", "PROVIUM_CHANNEL": "serial", "PROVIUM_REQUIRE_KVM": "1",
      "PROVIUM_FIXTURES": "fresh", "PROVIUM_LOG": "debug", "PROVIUM_FORK_SERVER": "off",
      "PROVIUM_PARALLEL": "3", "PROVIUM_MEM": "4G", "PROVIUM_CPUS": "8",
    ]
    let options = try EngineOptions.fromEnvironment { variables[$0] }
    #expect(options.accelerator == .tcg)
    #expect(options.channel == .serial)
    #expect(options.requiresKVM && options.freshFixtures && !options.forksQEMU)
    #expect(options.parallel == 3 && options.logLevel == .debug)
    #expect(options.budget == .fixed(memory: 4 << 30, cpus: 8))
    let standard = try EngineOptions.fromEnvironment { _ in nil }
    #expect(standard.budget == .automatic && standard.forksQEMU)
  }

  @Test(
    "a variable for one resource of the pool does not limit the other one",
    arguments: [
      ("PROVIUM_MEM", "4G", PoolBudget.fixed(memory: 4 << 30, cpus: nil)),
      ("PROVIUM_CPUS", "8", .fixed(memory: nil, cpus: 8)),
    ]
  )
  func oneResource(name: String, value: String, budget: PoolBudget) throws {
    #expect(try EngineOptions.fromEnvironment { $0 == name ? value : nil }.budget == budget)
  }

  @Test(
    "an invalid value of a variable is an error that names what is accepted",
    arguments: [
      (["PROVIUM_ACCEL": "kwm"], "invalid value 'kwm' for PROVIUM_ACCEL (did you mean 'kvm'?)"),
      (["PROVIUM_PARALLEL": "0"], "invalid value '0' for PROVIUM_PARALLEL; accepted: a number from 1"),
      (
        ["PROVIUM_MEM": "much", "PROVIUM_CPUS": "1"],
        "invalid value 'much' for PROVIUM_MEM; accepted: an amount such as 4G"
      ),
      (["PROVIUM_LOG": "debgu"], "invalid value 'debgu' for PROVIUM_LOG (did you mean 'debug'?)"),
      (["PROVIUM_FORK_SERVER": "no"], "invalid value 'no' for PROVIUM_FORK_SERVER (did you mean 'on'?)"),
      (["PROVIUM_MEM": "0"], "invalid value '0' for PROVIUM_MEM"),
      (["PROVIUM_CPUS": "0"], "invalid value '0' for PROVIUM_CPUS; accepted: a number from 1"),
    ]
  )
  func refused(variables: [String: String], complaint: String) {
    let error = #expect(throws: EnvironmentError.self) { try EngineOptions.fromEnvironment { variables[$0] } }
    #expect(error?.description.contains(complaint) == true, "\(error?.description ?? "")")
  }
}
