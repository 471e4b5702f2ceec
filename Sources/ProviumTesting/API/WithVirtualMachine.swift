import ProviumRunner
import ProviumRuntime
public import Testing

/// Boots a virtual machine, runs `body`, and ends the VM, also when `body` throws.
///
/// ```swift
/// try await withVirtualMachine(.init(memory: .mebibytes(256), cpus: 2)) { vm in
///   let online = try await vm.readText("/sys/devices/system/cpu/online")
///   #expect(online == "0-1\n")
/// }
/// ```
///
/// Inside `body`, ``VirtualMachine/current`` is this VM. Calls can be nested: the resource pool prefers the
/// second VM of a test to the first VM of another test.
///
/// - Parameters:
///   - configuration: the definition of the VM. Settings that it leaves unset come from its profile in
///     `provium.toml`.
///   - networks: the networks of the VM, in the order of its network devices.
///   - hostName: the name of the VM on its networks; nil: `vm1`.
///   - sourceLocation: where a kernel report is recorded as an issue.
///   - body: the work with the VM. It runs where the caller runs. The VM must not be used after `body` has
///     returned.
/// - Returns: the value that `body` returned.
/// - Throws: ``ProviumError`` if the VM cannot be booted: with the code `invalidUse` or `configuration` for a
///   value that no VM can have. Otherwise the error that `body` threw.
@discardableResult
nonisolated(nonsending) public func withVirtualMachine<Result>(
  _ configuration: VirtualMachine.Configuration = VirtualMachine.Configuration(),
  networks: [Network] = [],
  hostName: String? = nil,
  sourceLocation: SourceLocation = #_sourceLocation,
  _ body: nonisolated(nonsending) (VirtualMachine) async throws -> Result
) async throws -> Result {
  let start = VirtualMachine.joining(networks) { machine, requests in
    try machine.boot(configuration, networks: requests, hostName: hostName)
  }
  return try await VirtualMachine.scoped(at: sourceLocation, start, body)
}

/// Resumes a virtual machine from a fixture, runs `body`, and ends the VM, also when `body` throws.
///
/// ```swift
/// try await withVirtualMachine(fixture: "base") { first in
///   try await withVirtualMachine(fixture: "base") { second in
///     try await first.writeFile("/tmp/only-here", "1\n")
///     #expect(try await second.exec("test -e /tmp/only-here").exitCode == 1)
///   }
/// }
/// ```
///
/// Inside `body`, ``VirtualMachine/current`` is this VM.
///
/// - Parameters:
///   - fixture: the name of a fixture script without `.lua`. It is looked up in `fixtures` beside the Lua
///     tests and in the folders that `fixtures` of `provium.toml` lists. A fixture that is not built, or
///     stale, is built first.
///   - networks: the networks of the VM, in the order of the fixture's network devices.
///   - hostName: the name of the VM on its networks; nil: `vm1`.
///   - sourceLocation: where a kernel report is recorded as an issue.
///   - body: the work with the VM. It runs where the caller runs. The VM must not be used after `body` has
///     returned.
/// - Returns: the value that `body` returned.
/// - Throws: ``ProviumError`` if the fixture does not exist, cannot be built or cannot be resumed. Otherwise
///   the error that `body` threw.
@discardableResult
nonisolated(nonsending) public func withVirtualMachine<Result>(
  fixture: String,
  networks: [Network] = [],
  hostName: String? = nil,
  sourceLocation: SourceLocation = #_sourceLocation,
  _ body: nonisolated(nonsending) (VirtualMachine) async throws -> Result
) async throws -> Result {
  let start = VirtualMachine.joining(networks) { machine, requests in
    try machine.resume(fixture: fixture, networks: requests, hostName: hostName)
  }
  return try await VirtualMachine.scoped(at: sourceLocation, start, body)
}
