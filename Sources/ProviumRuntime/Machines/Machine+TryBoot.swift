package import ProviumVM

/// The result of a boot that was allowed to fail.
package struct BootAttempt {
  /// Why it failed; nil after a success.
  package let failure: String?
  /// How far it came.
  package let stage: BootStage
  /// The lines that the console showed, the last ones if there were many.
  package let console: [String]
  /// The kernel reports of the boot, with source lines where debug information is at hand. They fail no test.
  package let reports: [KernelReport]
}

extension Machine {
  /// Boots the VM. A boot that fails is a result; a wrong configuration and a limit of the scope are errors.
  package func tryBoot(_ settings: MachineConfiguration) throws -> BootAttempt {
    var found: [KernelReport] = []
    reports.expect {
      found.append($0)
      return true
    }
    var failure: ProviumError?
    do { try boot(settings) } catch let error as ProviumError where error.code == .startFailed {
      failure = error
    } catch {
      reports.endExpectation()
      throw error
    }
    catchUpWithReports()
    reports.endExpectation()
    for index in found.indices { found[index].lines = decoded(found[index].lines) }
    return BootAttempt(
      failure: failure?.message,
      stage: (failure?.cause as? BootFailure)?.stage ?? (failure == nil ? .ready : .qemu),
      console: consoleLog?.tail(.max) ?? [],
      reports: found
    )
  }
}
