import ProviumSystem

/// A kernel and its modules in a root file system: in unpacked packages, or on an installed system.
struct KernelFolder {
  /// The path of the kernel file; nil: there is none for this release.
  let kernel: String?
  /// The path of the module folder; nil: there is none for this release.
  let modules: String?

  /// Looks for the files of one release.
  /// - Parameter root: the root file system.
  init(_ root: String, release: String) {
    // The second is a link to the first, or the other way round, where /usr is merged.
    let folders = ["\(root)/lib/modules/\(release)", "\(root)/usr/lib/modules/\(release)"]
    kernel = (["\(root)/boot/vmlinuz-\(release)"] + folders.map { "\($0)/vmlinuz" }).first(
      where: Files.isRegularFile
    )
    modules =
      folders.first { Files.isDirectory("\($0)/kernel") }
      ?? folders.first { Files.exists("\($0)/modules.builtin") }
  }
}
