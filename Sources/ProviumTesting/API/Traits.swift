import ProviumCases
import ProviumMachine
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
    await SharedEngine.admission.enter()
    do {
      try await withMachine(function)
    } catch {
      await SharedEngine.admission.leave()
      throw error
    }
    await SharedEngine.admission.leave()
  }

  private func withMachine(_ function: @Sendable () async throws -> Void) async throws {
    let machine = try await VirtualMachine.resume(name)
    do { try await VirtualMachine.$given.withValue(machine) { try await function() } } catch {
      try? await machine.kill()
      throw error
    }
    // A kernel report fails the test in which it appeared.
    if let report = try? await machine.thread.run({ $0.takeUnseenReport() }) {
      Issue.record(Comment(rawValue: XMLText.clean(report)), sourceLocation: #_sourceLocation)
    }
    try? await machine.kill()
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

extension Trait where Self == ConditionTrait {
  /// Skips the test, with the reason, where the host lacks a feature.
  public static func provium(requires feature: HostFeature) -> ConditionTrait {
    .enabled("the host offers \(feature)") { HostConditions.lack(of: feature) == nil }
  }
}

enum HostConditions {
  /// Why the host does not offer it; nil: it does.
  static func lack(of feature: HostFeature) -> String? {
    guard let engine = SharedEngine.engine else { return SharedEngine.complaint }
    switch feature {
    case .kvm: return engine.accelerator.accelerator == .kvm ? nil : engine.accelerator.reason
    case .vsock: return engine.channel.kind == .vsock ? nil : engine.channel.reason
    case .machines: return engine.qemuVersion == nil ? "QEMU is not installed" : nil
    }
  }
}
