import Glibc
package import ProviumArchitecture
import ProviumShare
import ProviumSystem

/// The kernels that users name, and those that are kept in the cache: fetched from the distribution, or added.
///
///     CACHE/kernels/library/ARCH/NAME/tree/…      an unpacked kernel: /boot and /lib/modules, or their parts
///     CACHE/kernels/library/ARCH/NAME/kernel      its name and its release, a line each; written last
///     CACHE/kernels/library/ARCH/sha256-DIGEST/…  the same of a package file or a container image with these contents
///     CACHE/kernels/library/ARCH/names/SPEC       the kernel that a short name such as deb:6.1 stood for when it was fetched
///
/// Safe to share between processes. Blocks while a kernel is fetched.
package struct KernelLibrary: Sendable {
  private let cache: String
  let architecture: Architecture

  package init(cache: String, architecture: Architecture) {
    self.cache = cache
    self.architecture = architecture
  }

  var folder: String { "\(cache)/kernels/library/\(architecture.name)" }

  /// One kernel of the library.
  package struct Entry: Sendable {
    /// As `--kernel` takes it: `deb:6.1.0-56-cloud-amd64`, `oci:HOST/REPOSITORY@sha256:DIGEST`, the path of a package.
    package let name: String
    package let release: String
    package let folder: String

    init?(_ folder: String) {
      guard let lines = try? Files.readText("\(folder)/\(KernelLibrary.record)").split(separator: "\n"),
        lines.count == 2
      else { return nil }
      (name, release, self.folder) = (String(lines[0]), String(lines[1]), folder)
    }

    /// Removes the kernel from the library. A VM whose QEMU has opened it is not affected.
    package func remove() throws { try Files.removeTree(folder) }

    /// Whether it can be had again by its name: it was fetched, or is the contents of a package or an image.
    var isRestorable: Bool { !name.hasPrefix(KernelName.localPrefix) }
    /// Bytes on the disk.
    package var size: UInt64 { KernelLibrary.size(folder) }
    /// Seconds since 1970.
    package var lastUse: Int64 {
      ((try? FileFacts("\(folder)/\(KernelLibrary.record)").modifiedNanoseconds) ?? 0) / 1_000_000_000
    }
  }

  private static let record = "kernel"
  private static let tree = "tree"

  // MARK: Names

  /// Finds a kernel. Fetches one of the distribution that the library lacks.
  /// - Parameter name: see `KernelName`; a path is absolute.
  /// - Throws: `ImageError`.
  package func find(_ name: String, progress: (String) -> Void = { _ in }) throws -> NamedKernel {
    switch KernelName(name) {
    case .path(let path): return try kernel(atPath: path, progress: progress)
    case .local(let release):
      guard let entry = entry(named: name) else {
        let known = try entries().map(\.name).filter { $0.hasPrefix(KernelName.localPrefix) }
        throw ImageError.unknownKernel(
          name: name,
          reason:
            "no kernel of that name was added\(NearestName.hint(for: release, among: known)) (provium kernel list)"
        )
      }
      return try use(entry)
    case .debian(let spec):
      let known = note(spec).value ?? spec
      if let entry = entry(named: KernelName.debianPrefix + known) {
        var kernel = try use(entry)
        kernel.isStock = true
        return kernel
      }
      return try fetch(spec, progress: progress)
    case .image(.path(let path)):
      guard RootArchive.isArchive(path) else {
        throw Files.exists(path)
          ? ImageError.notAKernel(path: path, what: "it is a folder without oci-layout and index.json")
          : ImageError.missingFile(role: "image", path: path)
      }
      return try use(try unpacked(path, isImage: true, progress: progress))
    case .image(.registry(let image)): return try use(try entry(of: image, progress: progress))
    }
  }

  /// Finds a kernel without fetching or unpacking one. nil: that would be necessary, or there is no such kernel.
  package func kept(_ name: String) -> NamedKernel? {
    switch KernelName(name) {
    case .path(let path):
      KernelUnpacker.isPackage(path) && !Files.isDirectory(path) ? nil : try? kernel(atPath: path) { _ in }
    case .image: nil
    case .local: try? find(name)
    case .debian(let spec):
      entry(named: KernelName.debianPrefix + (note(spec).value ?? spec)).flatMap { try? use($0) }
    }
  }

  private func kernel(atPath path: String, progress: (String) -> Void) throws -> NamedKernel {
    guard Files.exists(path) else { throw ImageError.missingFile(role: "kernel", path: path) }
    if KernelUnpacker.isPackage(path), !Files.isDirectory(path) {
      return try use(try unpacked(path, isImage: false, progress: progress))
    }
    guard Files.isDirectory(path) else { return NamedKernel(kernel: path) }
    if let tree = KernelBuildTree(path) { return try tree.built(for: architecture) }
    if RootArchive.isArchive(path) {
      throw ImageError.notAKernel(path: path, what: "it is an OCI layout: name it oci:\(path)")
    }
    return try KernelFolder.kernel(in: path)
  }

  // MARK: The library

  /// The kernels in the library, sorted by name.
  package func entries() throws -> [Entry] {
    guard Files.isDirectory(folder) else { return [] }
    return try Files.list(folder).compactMap { Entry("\(folder)/\($0)") }.sorted { $0.name < $1.name }
  }

  func entry(named name: String) -> Entry? { Entry(place(of: name)) }

  func place(of name: String) -> String { "\(folder)/\(SafeFileName.make(name))" }

  func note(_ spec: String) -> CacheNote {
    CacheNote("\(folder)/names/\(SafeFileName.make(spec))", key: spec)
  }

  func use(_ entry: Entry) throws -> NamedKernel {
    utimes("\(entry.folder)/\(Self.record)", nil)
    let tree = "\(entry.folder)/\(Self.tree)"
    let parts = KernelFolder(tree, release: entry.release)
    guard let kernel = parts.kernel else {
      throw ImageError.unknownKernel(
        name: entry.name,
        reason: "\(tree) in the cache holds no kernel any more: run provium kernel remove \(entry.name)"
      )
    }
    return NamedKernel(kernel: kernel, modules: parts.modules, release: entry.release)
  }

  /// Fetches the newest kernel that a name fits.
  /// - Returns: The name of exactly this kernel.
  /// - Throws: `ImageError`.
  package func fetch(_ name: KernelName, progress: (String) -> Void) throws -> String {
    switch name {
    case .debian(let spec): KernelName.debianPrefix + (try fetch(spec, progress: progress).release ?? spec)
    case .image(.registry(let image)): try fetch(image, progress: progress).name
    case .image(.path(let path)), .path(let path), .local(let path):
      throw ImageError.unknownKernel(
        name: path,
        reason: "only names such as deb:6.1 and oci:HOST/REPOSITORY:TAG can be fetched"
      )
    }
  }

  /// Adds a kernel from packages, or from a folder with a kernel and its modules.
  /// - Parameters:
  ///   - paths: the .deb or .rpm files of one kernel, or one folder.
  ///   - name: the name without prefix; nil: the release.
  package func add(_ paths: [String], name: String?, progress: (String) -> Void) throws -> Entry {
    for path in paths where !Files.exists(path) { throw ImageError.missingFile(role: "kernel", path: path) }
    if let tree = paths.first(where: { KernelBuildTree($0) != nil }) {
      throw ImageError.notAKernel(
        path: tree,
        what:
          "it is a build tree, which --kernel takes in place; to keep its kernel, install it into a folder (make modules_install "
          + "INSTALL_MOD_PATH=FOLDER, and the image as FOLDER/vmlinuz), and add that"
      )
    }
    return try staged { unpacker, tree in
      let release = try unpacker.unpack(paths, to: tree, progress: progress)
      let full = KernelName.localPrefix + (name ?? release)
      try remove(full)
      return try keep(full, at: place(of: full), release: release) { try Files.rename(tree, to: $0) }
    }
  }

  /// Runs `body` with a folder that is removed afterwards.
  func staged(_ body: (_ unpacker: KernelUnpacker, _ tree: String) throws -> Entry) throws -> Entry {
    let staging = "\(folder)/.add-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    defer { try? Files.removeTree(staging) }
    try Files.createDirectories("\(staging)/work")
    return try body(KernelUnpacker(work: "\(staging)/work", architecture: architecture), "\(staging)/tree")
  }

  /// Unpacks a kernel into a folder that appears as a whole.
  func keep(_ name: String, at place: String, release: String, unpack: (String) throws -> Void) throws
    -> Entry
  {
    let work = "\(place).new-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    defer { try? Files.removeTree(work) }
    try Files.createDirectories(work)
    try unpack("\(work)/\(Self.tree)")
    guard KernelFolder("\(work)/\(Self.tree)", release: release).kernel != nil else {
      throw ImageError.unknownKernel(name: name, reason: "its packages hold no vmlinuz for \(release)")
    }
    try Files.write(Array("\(name)\n\(release)\n".utf8), to: "\(work)/\(Self.record)", mode: 0o644)
    // Another process may have been first: its kernel is the same.
    do { try Files.rename(work, to: place) } catch { if Entry(place) == nil { throw error } }
    guard let entry = Entry(place) else {
      throw ImageError.unknownKernel(name: name, reason: "it was removed from the cache meanwhile")
    }
    return entry
  }

  /// Removes a kernel from the library. VMs that run it are not affected.
  /// - Parameter name: its name, or a short name that it was fetched by.
  /// - Returns: Whether it was there.
  @discardableResult
  package func remove(_ name: String) throws -> Bool {
    var full = name
    switch KernelName(name) {
    case .debian(let spec): full = note(spec).value.map { KernelName.debianPrefix + $0 } ?? name
    case .image(.registry(let image)): full = known(image)?.name ?? name
    case .image(.path), .local, .path: break
    }
    guard let entry = try entries().first(where: { $0.name == full }) else { return false }
    try entry.remove()
    return true
  }

  /// The kernels of all architectures that can be had again.
  package static func restorable(in cache: String) -> [Entry] {
    let library = "\(cache)/kernels/library"
    return ((try? Files.list(library)) ?? []).flatMap { architecture in
      ((try? Files.list("\(library)/\(architecture)")) ?? []).compactMap {
        Entry("\(library)/\(architecture)/\($0)")
      }
    }.filter(\.isRestorable)
  }

  private static func size(_ path: String) -> UInt64 {
    guard Files.isDirectory(path) else { return Files.blocks(path) }
    return ((try? Files.list(path)) ?? []).reduce(0) { $0 + size("\(path)/\($1)") }
  }
}
