import ProviumRunner
import ProviumVM
import ProviumRuntime
public import Testing

/// Gives each test case a machine resumed from a fixture, as ``VirtualMachine/current``, and ends it afterwards.
public struct FixtureTrait: TestTrait, SuiteTrait, TestScoping {
  let name: String
  /// A suite hands it on to each of its tests.
  public var isRecursive: Bool { true }

  /// Called by swift-testing: resumes the machine, runs the test, ends the machine.
  public func provideScope(
    for test: Test,
    testCase: Test.Case?,
    performing function: @Sendable () async throws -> Void
  ) async throws {
    // Of a suite: each of its cases gets a machine of its own.
    guard testCase != nil else { return try await function() }
    try await SharedEngine.machineAdmission.admitted {
      // The outermost trait of a test names it; a second fixture is the same test's.
      let owner = VirtualMachine.owner ?? SharedEngine.nextNumber()
      try await VirtualMachine.$owner.withValue(owner) { try await withMachine(function) }
    }
  }

  private func withMachine(_ function: @Sendable () async throws -> Void) async throws {
    let machine = try await VirtualMachine.resume(name)
    do {
      try await VirtualMachine.$given.withValue(machine) { try await function() }
    } catch {
      // The test's own error stays the one that is told.
      try? await machine.kill()
      throw error
    }
    try await machine.kill()
  }
}

extension Trait where Self == FixtureTrait {
  /// The test's machine: `fixtures/NAME.lua`, resumed, as ``VirtualMachine/current``.
  public static func fixture(_ name: String) -> FixtureTrait { FixtureTrait(name: name) }
}

/// What a test needs of the host.
public enum HostFeature: Sendable {
  /// Guests run on the processor, not emulated.
  case kvm
  /// The guest is reached over vsock.
  case vsock
  /// QEMU is installed and machines can start.
  case machines
}

/// Skips a test where the host lacks what it needs, and says what that is. A configuration that is wrong is no lack: it fails
/// the test.
public struct RequirementTrait: TestTrait, SuiteTrait, TestScoping {
  let feature: HostFeature
  /// A suite hands it on to each of its tests.
  public var isRecursive: Bool { true }

  /// Called by swift-testing before anything runs: skips what cannot run here.
  public func prepare(for test: Test) async throws {
    guard let lack = HostConditions.lack(of: feature) else { return }
    try await ConditionTrait.disabled(
      Comment(rawValue: XMLText.clean(lack)),
      sourceLocation: test.sourceLocation
    )
    .prepare(for: test)
  }

  /// Called by swift-testing: fails the test where Provium cannot run at all, else runs it.
  public func provideScope(
    for test: Test,
    testCase: Test.Case?,
    performing function: @Sendable () async throws -> Void
  ) async throws {
    guard testCase != nil, SharedEngine.engine == nil else { return try await function() }
    Issue.record(
      Comment(rawValue: XMLText.clean(SharedEngine.complaint)),
      sourceLocation: test.sourceLocation
    )
  }
}

extension Trait where Self == RequirementTrait {
  /// Skips the test, with the reason, where the host lacks a feature.
  public static func provium(requires feature: HostFeature) -> RequirementTrait {
    RequirementTrait(feature: feature)
  }
}

enum HostConditions {
  /// Why the host does not offer it; nil: it does, or nothing can be said.
  static func lack(of feature: HostFeature) -> String? {
    guard let engine = SharedEngine.engine else { return nil }
    switch feature {
    case .kvm: return engine.accelerator.accelerator == .kvm ? nil : "no KVM: \(engine.accelerator.reason)"
    case .vsock: return engine.channel.kind == .vsock ? nil : "no vsock: \(engine.channel.reason)"
    case .machines: return engine.qemuComplaint
    }
  }
}
