import ProviumSystem
import ProviumVM

/// The vmlinux with debug information of a kept VM's kernel.
package struct KernelFiles: Sendable {
  package let vmlinux: String
  /// The kernel's own scripts for gdb, in a build tree that has them (CONFIG_GDB_SCRIPTS).
  package let script: String?
  let modulePlaces: [DebugFolders.ModulePlace]

  /// Looks in the build tree that was booted, then in the folders of debug packages.
  /// - Parameters:
  ///   - named: the user's; nil: it is looked for.
  ///   - information: of the kernel that ran.
  ///   - project: the settings of the project.
  /// - Returns: nil if none is found.
  /// - Throws: `KeptFailureError` for a named one that is another kernel's.
  init?(
    _ named: String?,
    of failure: KeptFailure,
    _ information: KernelInformation?,
    in project: Configuration
  ) throws {
    let release = information?.release ?? failure.snapshot.kernelRelease ?? ""
    let folders = DebugFolders(
      release: release,
      kernel: failure.kernel,
      modules: [failure.snapshot.configuration.boot.modules].compactMap { $0 },
      project: project.root,
      cache: project.settings.cache
    )
    var candidates = folders.kernels(buildID: information?.buildID)
    if let named {
      guard Files.isRegularFile(named) else {
        throw KeptFailureError.notPossible(id: failure.id, reason: "there is no vmlinux at \(named)")
      }
      if let difference = Self.difference(named, information) {
        throw KeptFailureError.notPossible(id: failure.id, reason: difference)
      }
      candidates = [named]
    }
    let found = candidates.first { Self.difference($0, information) == nil }
    guard let found else { return nil }
    vmlinux = found
    let script = "\(Files.parent(of: found))/vmlinux-gdb.py"
    self.script = Files.exists(script) ? script : nil
    modulePlaces = folders.modulePlaces
  }

  /// Why the file is not the kernel that ran; nil: it is, or one of them has no build ID.
  private static func difference(_ path: String, _ information: KernelInformation?) -> String? {
    guard let ran = information?.buildID else { return nil }
    guard let own = BuildID.read(path) else {
      return "\(path) has no build ID, so it may be another kernel's"
    }
    return own == ran
      ? nil : "\(path) is another kernel: its build ID is \(own), that of the guest's kernel \(ran)"
  }
}
