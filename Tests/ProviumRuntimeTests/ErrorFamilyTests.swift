import ProviumAgentClient
@testable import ProviumArchitecture
import ProviumBoot
import ProviumEvents
import ProviumSystem
@testable import ProviumVM
import Testing

@testable import ProviumRuntime

@Suite("The family of an error") struct ErrorFamilyTests {
  private struct UnknownError: Error {}

  private static let table: [(any Error, ProviumError.Code, FailureFamily)] = [
    // The user erred.
    (InvalidArgument(.path, "is empty"), .invalidUse, .user),
    (InvalidConfiguration(.cpus, .refused("")), .invalidUse, .user),
    (ConfigurationError.unknownProfile(name: "a", known: [], path: nil), .configuration, .user),
    (EnvironmentError(name: "PROVIUM_ACCEL", value: "x", accepted: []), .configuration, .user),
    (UnknownArchitecture(name: "vax"), .configuration, .user),
    (ImageError.missingFile(role: "kernel", path: "/nowhere"), .configuration, .user),
    (ImageError.notAKernel(path: "/a", what: "text"), .configuration, .user),
    (ImageError.badInitrd(path: "/a", reason: ""), .configuration, .user),
    (ImageError.badDisk(path: "/a", reason: ""), .configuration, .user),
    (ImageError.driverMissing(module: "virtio_blk", directory: "/a", hint: ""), .configuration, .user),
    (ImageError.noShares(kernel: "/a", reason: ""), .configuration, .user),
    (ImageError.longCommandLine(length: 5000, limit: 2048), .configuration, .user),
    (EngineError.contradiction, .configuration, .user),
    (FixtureError.unknown(name: "a", looked: [], hint: ""), .invalidUse, .user),
    (FixtureError.noFolder(path: "/a", configuration: nil), .configuration, .user),
    (
      PoolError.neverFits(
        request: PoolRequest(memory: 1, cpus: 1, isColdBoot: true),
        memory: 0,
        cpus: nil
      ), .invalidUse, .user
    ),
    (GuestError.refused(Errno.ENOENT, message: ""), .refused, .user),
    // The test failed.
    (
      MachineDeath.panicked(
        report: KernelReport.ID(scanner: 1, number: 1),
        line: "Kernel panic",
        tail: []
      ), .kernelReport, .test
    ),
    (GuestError.timedOut("exec"), .timeout, .test),
    // The infrastructure failed.
    (
      MachineDeath.exited(status: .signaled(.kill), errors: [], shortage: nil, tail: []), .machineLost,
      .infrastructure
    ),
    (GuestError.lost(.main, ""), .machineLost, .infrastructure),
    (GuestError.incompatible(""), .machineLost, .infrastructure),
    (BootFailure(machine: "vm1", stage: .kernel, reason: "", console: []), .startFailed, .infrastructure),
    (ImageError.noKernel(reasons: []), .unavailable, .infrastructure),
    (QEMUBinary.Failure.notInstalled(program: "", package: ""), .unavailable, .infrastructure),
    (EngineError.noKVM(reason: ""), .unavailable, .infrastructure),
    (PoolError.interrupted, .interrupted, .infrastructure),
    (FixtureError.store(path: "/a", reason: ""), .storage, .infrastructure),
    (UnknownError(), .infrastructure, .infrastructure),
  ]

  @Test("the code of an error decides its family", arguments: table.indices) func family(index: Int) {
    let (error, code, family) = Self.table[index]
    #expect(ProviumError.Code(error) == code, "\(error)")
    #expect(FailureKind(error).family == family, "\(error)")
  }

  @Test("each code has a family") func everyCode() {
    let users = ProviumError.Code.allCases.filter { $0.failureKind.family == .user }
    #expect(users == [.invalidUse, .configuration, .script, .refused])
    let tests = ProviumError.Code.allCases.filter { $0.failureKind.family == .test }
    #expect(tests == [.assertion, .kernelReport, .timeout])
  }
}
