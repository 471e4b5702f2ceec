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

  /// The releases that the kernels in /boot and the folders of modules are named after, sorted.
  static func releases(in root: String) -> [String] {
    let prefix = "vmlinuz-"
    let kernels = ((try? Files.list("\(root)/boot")) ?? []).filter { $0.hasPrefix(prefix) }
      .map { String($0.dropFirst(prefix.count)) }
    let modules = ["lib/modules", "usr/lib/modules"].flatMap { (try? Files.list("\(root)/\($0)")) ?? [] }
    return Set(kernels + modules).sorted()
  }
}
