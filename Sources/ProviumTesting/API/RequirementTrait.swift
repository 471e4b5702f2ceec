import ProviumRunner
public import Testing

/// A trait that skips tests where the host lacks a feature, with the reason.
///
/// An error in `provium.toml` or in an environment variable is not a missing feature: it fails the tests.
public struct RequirementTrait: TestTrait, SuiteTrait, TestScoping {
  let feature: HostFeature

  /// True: a suite hands the trait on to its tests.
  public var isRecursive: Bool { true }

  /// Skips a test that cannot run on this host. Swift Testing calls this before any test runs.
  /// - Parameter test: the test or the suite with the trait.
  /// - Throws: the request to skip the test.
  public func prepare(for test: Test) async throws {
    guard let reason = feature.unavailabilityReason else { return }
    try await ConditionTrait.disabled(
      Comment(rawValue: XMLText.clean(reason)),
      sourceLocation: test.sourceLocation
    )
    .prepare(for: test)
  }

  /// Runs a test case, or fails it if Provium cannot run at all. Swift Testing calls this.
  /// - Parameters:
  ///   - test: the test or the suite with the trait.
  ///   - testCase: the test case; nil for a suite.
  ///   - function: the test case itself.
  /// - Throws: the error that `function` threw; ``ProviumError`` if Provium cannot run.
  public func provideScope(
    for test: Test,
    testCase: Test.Case?,
    performing function: @Sendable () async throws -> Void
  ) async throws {
    if testCase != nil { _ = try SharedEngine.required() }
    try await function()
  }
}

extension Trait where Self == RequirementTrait {
  /// Skips the test, with the reason, where the host lacks a feature.
  ///
  /// ```swift
  /// @Test(.requires(.kvm), .virtualMachine(fixture: "base"))
  /// func clockIsStable() async throws {
  ///   let vm = try VirtualMachine.current
  ///   #expect(try await vm.exec("dmesg | grep -q 'clocksource: .* unstable'").exitCode == 1)
  /// }
  /// ```
  ///
  /// - Parameter feature: the feature that the test needs.
  public static func requires(_ feature: HostFeature) -> Self { RequirementTrait(feature: feature) }
}
