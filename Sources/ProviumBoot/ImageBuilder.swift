import Glibc
import ProviumAgentImage
import ProviumArchitecture
import ProviumSystem

/// Makes bootable images: the user's kernel, and the user's initrd followed by Provium's agent.
package struct ImageBuilder: Sendable {
  private let cache: String
  private let digests: DigestCache
  /// Which bzImages boot as such, and which as the vmlinux inside.
  package let entries: KernelEntries

  package init(cache: String) {
    self.cache = cache
    digests = DigestCache(folder: "\(cache)/digests")
    entries = KernelEntries(cache: cache)
  }

  /// SHA-256 of a file in hex. Remembered for a file that has not changed.
  package func digest(_ path: String) throws -> String { try digests.digest(path) }

  /// - Parameter progress: told what takes time (fetching a kernel).
  package func build(
    _ source: BootSource,
    drivers: [String],
    progress: (String) -> Void = { _ in }
  ) throws -> BootImage {
    let architecture = try source.requiredArchitecture
    let found = try find(source, architecture, progress: progress)
    if let tree = found.buildTree.flatMap(KernelBuildTree.init) {
      try tree.check(drivers: drivers + (source.rootfs == nil ? [] : ["virtio_blk"]))
    }
    let kernel = found.image
    let digest = try digests.digest(kernel.path)
    var image = BootImage(kernel: kernel.path, initrd: "", append: "", release: found.release)
    try entries.chooseEntry(of: kernel, digest: digest, for: &image)
    image.inputs.append(.init(name: "kernel", path: kernel.path, digest: digest))
    let tree = try found.modules.map { try ModuleTree($0) }
    image.hasModules = tree != nil
    if let tree, let release = found.release, tree.release != release,
      Files.exists("\(tree.directory)/kernel")
    {
      throw ImageError.wrongModules(directory: tree.directory, version: tree.release, kernel: release)
    }
    try ShareDrivers.check(drivers, of: kernel, tree: tree, cache: cache)
    var initrd = source.initrd
    if let distribution = found.distribution, source.hasUserland {
      initrd = try userland(distribution, tree: source.kernel == nil ? nil : tree, progress: progress)
    }
    image.initrd = try initramfs(
      source,
      architecture: architecture,
      drivers: drivers,
      initrd: initrd,
      tree: tree,
      inputs: &image.inputs
    )
    image.append = try commandLine(
      source,
      console: architecture.console,
      isStock: found.isStock
    )
    return image
  }

  // MARK: Kernel

  /// A kernel with its modules. `distribution` is set if the kernel or the userland is the distribution's.
  private struct FoundKernel {
    let image: KernelImage
    let release: String?
    let modules: String?
    let isStock: Bool
    let buildTree: String?
    let distribution: DistributionKernel?
  }

  private func find(
    _ source: BootSource,
    _ architecture: Architecture,
    progress: (String) -> Void
  ) throws -> FoundKernel {
    let library = KernelLibrary(cache: cache, architecture: architecture)
    let named = try source.kernel.map { try library.find($0, progress: progress) }
    let distribution =
      named == nil || source.hasUserland
      ? try DistributionKernel.prepare(cache: cache, architecture: architecture, progress: progress) : nil
    guard let path = named?.kernel ?? distribution?.kernel else { throw ImageError.noKernel(reasons: []) }
    let image = try KernelImage(path)
    try image.check(for: architecture)
    let own = named == nil ? distribution?.modules : named?.modules
    return FoundKernel(
      image: image,
      release: image.release ?? named?.release,
      modules: source.modules ?? own ?? image.usualModules,
      isStock: named?.isStock ?? true,
      buildTree: named?.buildTree,
      distribution: distribution
    )
  }

  /// The facts about a kernel that the host knows without booting it.
  package func facts(of source: BootSource) throws -> KernelFacts {
    let found = try find(source, try source.requiredArchitecture, progress: { _ in })
    return KernelFacts(
      release: found.release.flatMap(KernelRelease.init),
      configuration: found.image.configuration(modules: found.modules, cache: cache),
      modules: found.modules
    )
  }

  // MARK: Command line

  /// The longest command line, without its NUL: `COMMAND_LINE_SIZE` (2048) of x86 and arm64, less one. A kernel cuts a longer
  /// one, or ends before it prints anything.
  private static let commandLineLimit = 2047

  /// The guest's init, unless its profile names one. The wrapper executes another usual init if this file is missing.
  private static let defaultInit = "/sbin/init"

  private func commandLine(_ source: BootSource, console: String, isStock: Bool) throws -> String {
    var words = [
      // Warnings and worse on the console. Its stamps tell lines of the kernel from lines of programs. A panic ends the VM.
      "console=\(console)", "loglevel=5", "printk.time=1", "panic=-1", "rdinit=/provium-wrapper",
    ]
    // A stock kernel's self-tests of its ciphers cost a third of a second; a user's own kernel keeps them.
    if isStock { words.append("cryptomgr.notests") }
    if source.hasUserland { words.append("provium.mounts=yes") }
    if source.bootsFromDisk { words.append("provium.root=/dev/vda") }
    // Provium's own userland has no init: the wrapper stays process 1.
    if let program = source.initProgram ?? (source.hasUserland ? nil : Self.defaultInit) {
      words.append("provium.init=\(program)")
    }
    let line = (words + [source.append].filter { !$0.isEmpty }).joined(separator: " ")
    guard line.utf8.count <= Self.commandLineLimit else {
      throw ImageError.longCommandLine(length: line.utf8.count, limit: Self.commandLineLimit)
    }
    return line
  }

  // MARK: Initramfs

  /// The built-in profile's initramfs, in a file that is kept.
  /// - Parameter tree: the modules of a kernel that is not the distribution's.
  private func userland(
    _ distribution: DistributionKernel,
    tree: ModuleTree?,
    progress: (String) -> Void
  ) throws -> String {
    let modules = try tree.map { try moduleInputs($0, try BusyboxUserland.order($0)).map(\.digest) }
    let kernel = modules.map { "\(tree?.release ?? "") \($0)" } ?? distribution.origin
    let key = SHA256.hex(
      Array("\(kernel) \(try digests.digest(distribution.busybox)) \(BusyboxUserland.modules) 6".utf8)
    )
    let path = "\(cache)/userland/\(key.prefix(32)).cpio"
    if Files.exists(path) { return path }
    progress("making the busybox userland")
    try Files.createDirectories("\(cache)/userland")
    let archive = try BusyboxUserland.archive(
      busybox: distribution.busybox,
      modules: tree ?? ModuleTree(distribution.modules)
    )
    try Files.replace(path, with: archive)
    return path
  }

  /// The user's initrd with the shim behind it, in a file that is whose name is a digest of all its inputs.
  private func initramfs(
    _ source: BootSource,
    architecture: Architecture,
    drivers: [String],
    initrd: String?,
    tree: ModuleTree?,
    inputs: inout [BootImage.Input]
  ) throws -> String {
    var drivers = drivers
    if let rootfs = source.rootfs {
      drivers.append("virtio_blk")
      if source.bootsFromDisk {
        drivers += try RootDisk.drivers(for: rootfs)
        // If the root is read-only, injected files are written to an overlay.
        if !source.files.isEmpty { drivers.append("overlay") }
      } else {
        // The initramfs may mount it, or do something else with it.
        drivers += try RootDisk.likelyDrivers(for: rootfs, tree: tree)
      }
    }
    let loads = try tree?.loads(drivers.uniqued()) ?? []
    inputs.append(.init(name: "agent", path: "", digest: AgentImage.buildIDHex))
    if let tree { inputs += try moduleInputs(tree, loads.map(\.name)) }
    if let initrd {
      inputs.append(.init(name: "initrd", path: initrd, digest: try checkedInitrd(initrd)))
    }
    let files = try source.files.map { file in
      let path = try GuestPath(file.path)
      let (bytes, mode) = try contents(of: file, for: path)
      return (path: path, bytes: bytes, mode: mode)
    }.sorted { $0.path < $1.path }
    for file in files {
      inputs.append(
        .init(
          name: "file \(file.path)",
          path: "",
          // With its path, which the name above shows only as text.
          digest: SHA256.hex(file.bytes + Array("\(file.mode) ".utf8) + file.path.bytes)
        )
      )
    }
    let key = SHA256.hex(
      Array(
        (inputs.map { "\($0.name) \($0.digest)" } + loads.map(Self.listLine) + [architecture.name]).joined(
          separator: "\n"
        ).utf8
      )
    )
    let path = "\(cache)/initramfs/\(key.prefix(32)).img"
    if Files.exists(path) {
      utimes(path, nil)
      return path
    }
    let shim = try self.shim(architecture, loads: loads, tree: tree, files: files)
    var joined: [UInt8] = []
    if let initrd {
      joined = try Files.read(initrd)
      joined.append(contentsOf: repeatElement(0, count: InitrdJoin.padding(after: joined.count)))
    }
    joined += shim
    try Files.createDirectories("\(cache)/initramfs")
    try Files.replace(path, with: joined)
    return path
  }

  /// Everything below `/.provium`, and the wrapper. Contains no `/dev`, `/bin` and so on: directories here would replace links of the user's initrd.
  private func shim(
    _ architecture: Architecture,
    loads: [ModuleTree.Load],
    tree: ModuleTree?,
    files: [(path: GuestPath, bytes: [UInt8], mode: UInt32)]
  ) throws -> [UInt8] {
    let programs = try AgentImage.programs(for: architecture.name)
    var archive = CpioArchive()
    archive.addFile("provium-wrapper", programs.wrapper, mode: 0o755)
    archive.addDirectory(".provium", mode: 0o700)
    archive.addFile(".provium/agent", programs.agent, mode: 0o755)
    if let tree, !loads.isEmpty {
      archive.addFile(".provium/modules.list", Array(loads.map(Self.listLine).joined().utf8))
      for load in loads {
        archive.addFile(".provium/modules/\(load.name).ko", try tree.contents(of: load.name))
      }
    }
    let folder = Array(".provium/files".utf8)
    for file in files { archive.addFile(folder + file.path.bytes, file.bytes, mode: file.mode) }
    return archive.finished()
  }

  /// A line of `modules.list`: see Agent/init/modules.h.
  private static func listLine(_ load: ModuleTree.Load) -> String {
    "\(load.isOptional ? "?" : "")\(load.name).ko\(load.parameters.isEmpty ? "" : " ")\(load.parameters)\n"
  }

  private func contents(of file: GuestFile, for path: GuestPath) throws -> ([UInt8], UInt32) {
    switch file.contents {
    case .bytes(let bytes): return (bytes, file.mode ?? 0o644)
    case .hostFile(let host):
      var status = stat()
      guard stat(host.cPath, &status) == 0 else {
        throw ImageError.missingFile(role: "file for \(path):", path: host)
      }
      return (try Files.read(host), file.mode ?? UInt32(status.st_mode) & 0o7777)
    }
  }

  private func checkedInitrd(_ path: String) throws -> String {
    guard Files.exists(path) else { throw ImageError.missingFile(role: "initrd", path: path) }
    guard !Files.isDirectory(path) else {
      throw ImageError.badInitrd(path: path, reason: "it is a directory (pack it with cpio -o -H newc)")
    }
    do {
      let format = try InitrdFormat.detect(try Files.readHead(path, InitrdFormat.headSize))
      if format == .cpio { try CpioWalk.check(try Files.read(path)) }
    } catch let problem as InitrdFormat.Unusable {
      throw ImageError.badInitrd(path: path, reason: problem.reason)
    }
    return try digests.digest(path)
  }

  /// One input for each module: the staleness check compares single files.
  private func moduleInputs(_ tree: ModuleTree, _ order: [String]) throws -> [BootImage.Input] {
    try order.compactMap { module in
      guard let path = tree.path(of: module).map({ "\(tree.directory)/\($0)" }) else { return nil }
      return .init(name: "module \(module)", path: path, digest: try digests.digest(path))
    }
  }
}
