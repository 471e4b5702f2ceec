import Glibc
import ProviumArchitecture
import ProviumShare
import ProviumSystem

/// Unpacks one kernel and its modules from packages, a container image or a folder. What else they hold is left out.
struct KernelUnpacker {
  /// An empty folder of the host. Belongs to the unpacker.
  let work: String
  let architecture: Architecture

  /// The files that are unpacked as packages, by the end of their names.
  static func isPackage(_ path: String) -> Bool { path.hasSuffix(".deb") || path.hasSuffix(".rpm") }

  /// Unpacks a kernel.
  /// - Parameters:
  ///   - sources: the packages of one kernel, or one folder.
  ///   - target: becomes a root file system with `boot/vmlinuz-RELEASE` or `lib/modules/RELEASE/vmlinuz`.
  /// - Returns: the kernel's release.
  /// - Throws: `ImageError`.
  func unpack(_ sources: [String], to target: String, progress: (String) -> Void) throws -> String {
    if let folder = sources.first(where: Files.isDirectory) {
      guard sources.count == 1 else {
        throw ImageError.notAKernel(path: folder, what: "it is a folder: add it alone, or packages alone")
      }
      return try copy(folder, to: target, progress: progress)
    }
    if let file = sources.first(where: { !Self.isPackage($0) }) {
      throw ImageError.notAKernel(
        path: file,
        what:
          "it is neither a .deb, a .rpm nor a folder (a kernel file needs no adding: --kernel takes its path)"
      )
    }
    return try unpack(sources, to: target) { unpacker throws(ShareProblem) in
      for path in sources {
        progress("unpacking \(Files.display(path))")
        if path.hasSuffix(".rpm") { try unpacker.add(rpm: path) } else { try unpacker.add(package: path) }
      }
    }
  }

  /// Unpacks the kernel of a container image.
  /// - Parameters:
  ///   - path: an OCI layout, or the archive of `docker save`.
  ///   - name: the image in messages.
  func unpack(image path: String, name: String, to target: String, progress: (String) -> Void) throws
    -> String
  {
    try unpack([path], to: target) { unpacker throws(ShareProblem) in
      if Files.isDirectory(path) {
        try unpacker.add(layout: path, name: name, platform: architecture.debianName, progress: progress)
      } else {
        try unpacker.add(archive: path, platform: architecture.debianName, progress: progress)
      }
    }
  }

  private func unpack(
    _ sources: [String],
    to target: String,
    _ add: (RootUnpacker) throws(ShareProblem) -> Void
  ) throws -> String {
    let shown = sources.joined(separator: ", ")
    let root = "\(work)/tree"
    do throws(ShareProblem) {
      let unpacker = try RootUnpacker(in: work)
      try add(unpacker)
      guard unpacker.keep(only: KernelFolder.parts) else { throw ShareProblem(Self.nothing) }
      try unpacker.finish()
    } catch {
      let reason = "\(error)"
      let what = sources.count == 1 ? reason.replacingPrefix("\(Files.display(shown)) ", with: "it ") : reason
      throw ImageError.notAKernel(path: shown, what: what)
    }
    let found: NamedKernel
    do { found = try KernelFolder.kernel(in: root) } catch ImageError.notAKernel(_, let what) {
      throw ImageError.notAKernel(path: shown, what: what.hasPrefix("it holds several") ? what : Self.nothing)
    }
    let release = try self.release(of: found, shown)
    try Files.rename(root, to: target)
    let moved = { (path: String) in "\(target)\(path.dropFirst(root.count))" }
    try place(moved(found.kernel), found.modules.map(moved), release, in: target)
    return release
  }

  private static let nothing =
    "no boot/vmlinuz or lib/modules/RELEASE/vmlinuz is in it (distributions have kernel and modules in several packages, such as "
    + "linux-binary-RELEASE and linux-modules-RELEASE, or kernel-core and kernel-modules-core: add them together)"

  private func copy(_ folder: String, to target: String, progress: (String) -> Void) throws -> String {
    let found = try KernelFolder.kernel(in: folder)
    let release = try self.release(of: found, folder)
    progress("copying \(Files.display(found.kernel))")
    func copy(_ path: String, _ target: String) throws {
      do { _ = try ToolRun.run("cp", ["-a", "--", path, target], deadline: .after(.seconds(600))) } catch {
        throw ImageError.notAKernel(path: folder, what: "it cannot be copied: \(error)")
      }
    }
    try Files.createDirectories("\(target)/boot")
    try copy(Files.canonical(found.kernel), "\(target)/boot/vmlinuz-\(release)")
    let configuration = "\(Files.parent(of: found.kernel))/config-\(release)"
    if Files.exists(configuration) { try copy(configuration, "\(target)/boot/") }
    guard let modules = found.modules else { return release }
    try Files.createDirectories("\(target)/lib/modules")
    try copy(Files.canonical(modules), "\(target)/lib/modules/\(release)")
    for rules in ModprobeConfiguration.folders where Files.isDirectory("\(folder)/\(rules)") {
      let place = "\(target)/\(Files.parent(of: rules))"
      try Files.createDirectories(place)
      if !Files.exists("\(target)/\(rules)") { try copy(Files.canonical("\(folder)/\(rules)"), place) }
    }
    return release
  }

  /// Gives kernel and modules the names under which `KernelFolder` finds those of a release.
  private func place(_ kernel: String, _ modules: String?, _ release: String, in root: String) throws {
    let known = KernelFolder(root, release: release)
    // First: the kernel may be in the folder of the modules.
    if known.kernel == nil {
      try Files.createDirectories("\(root)/boot")
      try Files.rename(kernel, to: "\(root)/boot/vmlinuz-\(release)")
    }
    if let modules, known.modules == nil {
      try Files.createDirectories("\(root)/lib/modules")
      try Files.rename(modules, to: "\(root)/lib/modules/\(release)")
    }
  }

  private func release(of kernel: NamedKernel, _ source: String) throws -> String {
    // It names folders.
    if let release = kernel.release, Self.isName(release) { return release }
    throw ImageError.notAKernel(
      path: source,
      what: "neither the kernel nor a folder lib/modules/RELEASE tells its release"
    )
  }

  private static func isName(_ release: String) -> Bool {
    !release.isEmpty && !release.contains("/") && release != "." && release != ".."
      && release.utf8.count <= 200
      && !release.contains { $0.isWhitespace }
  }
}
