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
    let folders = Self.moduleFolders.map { "\(root)/\($0)/\(release)" }
    kernel = (["\(root)/boot/vmlinuz-\(release)"] + folders.map { "\($0)/vmlinuz" }).first(
      where: Files.isRegularFile
    )
    modules = folders.first(where: Self.holdsModules)
  }

  private static let moduleFolders = ["lib/modules", "usr/lib/modules"]
  private static let imageNames = ["vmlinuz", "bzImage", "vmlinuz.efi", "Image", "Image.gz", "vmlinux"]
  /// The files and folders of a root file system that belong to its kernels.
  static let parts =
    ["boot", "lib/modules", "usr/lib/modules"] + ModprobeConfiguration.folders + imageNames

  private static func holdsModules(_ folder: String) -> Bool {
    Files.isDirectory("\(folder)/kernel") || Files.exists("\(folder)/modules.builtin")
  }

  /// The releases that the kernels in /boot and the folders of modules are named after, sorted.
  static func releases(in root: String) -> [String] {
    let prefix = "vmlinuz-"
    let kernels = ((try? Files.list("\(root)/boot")) ?? []).filter { $0.hasPrefix(prefix) }
      .map { String($0.dropFirst(prefix.count)) }
    return Set(kernels + moduleReleases(in: root)).sorted()
  }

  private static func moduleReleases(in root: String) -> [String] {
    Set(moduleFolders.flatMap { (try? Files.list("\(root)/\($0)")) ?? [] }).sorted()
  }

  // MARK: One kernel

  /// Finds the one kernel of a folder and its modules. The folder is a root file system, a module folder with a `vmlinuz`, or has a
  /// kernel file beside `lib/modules`, `modules` or a folder that is named after the release.
  /// - Throws: `ImageError.notAKernel` if it has none, or several.
  static func kernel(in folder: String) throws -> NamedKernel {
    let own = "\(folder)/\(imageNames[0])"
    if Files.isRegularFile(own) { return try unnamed(own, in: folder) }
    let found = releases(in: folder).map { ($0, KernelFolder(folder, release: $0)) }.filter {
      $0.1.kernel != nil
    }
    guard found.count <= 1 else {
      throw ImageError.notAKernel(
        path: folder,
        what: "it holds several kernels (\(found.map(\.0).joined(separator: ", "))): name the file of one"
      )
    }
    if let (release, parts) = found.first, let kernel = parts.kernel {
      return NamedKernel(kernel: kernel, modules: parts.modules, release: release)
    }
    let named = ((try? Files.list(folder)) ?? []).filter { $0.hasPrefix("vmlinuz-") }
    let others = imageNames + (named.count == 1 ? named : []) + imageNames.map { "boot/\($0)" }
    guard let other = others.map({ "\(folder)/\($0)" }).first(where: Files.isRegularFile) else {
      throw ImageError.notAKernel(
        path: folder,
        what: named.isEmpty
          ? "it is a folder that is neither a kernel's build tree nor holds vmlinuz, boot/vmlinuz-RELEASE or "
            + "lib/modules/RELEASE/vmlinuz"
          : "it holds several kernels (\(named.sorted().joined(separator: ", "))): name the file of one"
      )
    }
    return try unnamed(other, in: folder)
  }

  /// A kernel file whose name does not tell its release, with the modules of its release in `folder`.
  private static func unnamed(_ kernel: String, in folder: String) throws -> NamedKernel {
    let release = try KernelImage(kernel).release
    let releases = release.map { [$0] } ?? moduleReleases(in: folder)
    let places =
      releases.flatMap { release in
        (moduleFolders + ["modules"]).map { "\(folder)/\($0)/\(release)" } + ["\(folder)/\(release)"]
      }.filter(holdsModules)
    if release != nil || places.count == 1, let modules = places.first {
      return NamedKernel(
        kernel: kernel,
        modules: modules,
        release: release ?? modules.split(separator: "/").last.map(String.init)
      )
    }
    // Folders that are not named after a release.
    let modules = [folder, "\(folder)/modules"].first { Files.isDirectory("\($0)/kernel") }
    return NamedKernel(
      kernel: kernel,
      modules: modules,
      release: try release ?? modules.map { try ModuleTree($0).release }
    )
  }
}
