import ProviumRunner
public import Testing

/// A trait that gives each test case a virtual machine of its own, as ``VirtualMachine/current``.
///
/// On a suite, it applies to each test of the suite. At most as many tests with this trait run at once as
/// `provium test` would run files.
public struct VirtualMachineTrait: TestTrait, SuiteTrait, TestScoping {
  private enum Origin: Sendable {
    case boot(VirtualMachine.Configuration)
    case fixture(String)
  }
  private let origin: Origin

  private init(_ origin: Origin) { self.origin = origin }

  static func booting(_ configuration: VirtualMachine.Configuration) -> Self { Self(.boot(configuration)) }
  static func resuming(_ fixture: String) -> Self { Self(.fixture(fixture)) }

  /// True: a suite hands the trait on to its tests.
  public var isRecursive: Bool { true }

  /// Starts the VM, runs a test case, and ends the VM. Swift Testing calls this.
  /// - Parameters:
  ///   - test: the test or the suite with the trait.
  ///   - testCase: the test case; nil for a suite, which gets no VM.
  ///   - function: the test case itself.
  /// - Throws: ``ProviumError`` if the VM cannot be started. Otherwise the error that `function` threw.
  public func provideScope(
    for test: Test,
    testCase: Test.Case?,
    performing function: @Sendable () async throws -> Void
  ) async throws {
    guard testCase != nil else { return try await function() }
    try await SharedEngine.machineAdmission.admitted {
      let watch = IssueWatch()
      try await watch.observe(test, testCase) { try await run(test, function) }
    }
  }

  private func run(_ test: Test, _ function: @Sendable () async throws -> Void) async throws {
    switch origin {
    case .boot(let configuration):
      try await withVirtualMachine(configuration, sourceLocation: test.sourceLocation) { _ in
        try await function()
      }
    case .fixture(let name):
      try await withVirtualMachine(fixture: name, sourceLocation: test.sourceLocation) { _ in
        try await function()
      }
    }
  }
}

extension Trait where Self == VirtualMachineTrait {
  /// Gives each test case a VM that was resumed from a fixture, as ``VirtualMachine/current``.
  ///
  /// ```swift
  /// @Test(.virtualMachine(fixture: "base"), arguments: ["proc", "tmpfs"])
  /// func isKnown(fileSystem: String) async throws {
  ///   let known = try await VirtualMachine.current.readText("/proc/filesystems")
  ///   #expect(known.contains(fileSystem))
  /// }
  /// ```
  ///
  /// No test case sees what another one did to its VM.
  /// - Parameter fixture: the name of a fixture script without `.lua`; see
  ///   ``withVirtualMachine(fixture:networks:hostName:sourceLocation:_:)``.
  public static func virtualMachine(fixture: String) -> Self { .resuming(fixture) }

  /// Gives each test case a VM that was booted from a configuration, as ``VirtualMachine/current``.
  ///
  /// ```swift
  /// @Test(.virtualMachine(.init(append: "mitigations=off")))
  /// func commandLine() async throws {
  ///   let words = try await VirtualMachine.current.readText("/proc/cmdline")
  ///   #expect(words.contains("mitigations=off"))
  /// }
  /// ```
  ///
  /// - Parameter configuration: the definition of the VM. Settings that it leaves unset come from its profile
  ///   in `provium.toml`.
  public static func virtualMachine(
    _ configuration: VirtualMachine.Configuration = VirtualMachine.Configuration()
  ) -> Self { .booting(configuration) }
}
