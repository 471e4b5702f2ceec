import Glibc
package import ProviumArchitecture
import ProviumSystem

/// The kernels that users name, and those that are kept in the cache: fetched from the distribution, or added.
///
///     CACHE/kernels/library/ARCH/NAME/tree/…      an unpacked kernel: /boot and /lib/modules, or their parts
///     CACHE/kernels/library/ARCH/NAME/kernel      its name and its release, a line each; written last
///     CACHE/kernels/library/ARCH/names/SPEC       the kernel that a short name such as deb:6.1 stood for when it was fetched
///
/// Safe to share between processes. Blocks while a kernel is fetched.
package struct KernelLibrary: Sendable {
  private let cache: String
  private let architecture: Architecture

  package init(cache: String, architecture: Architecture) {
    self.cache = cache
    self.architecture = architecture
  }

  private var folder: String { "\(cache)/kernels/library/\(architecture.name)" }

  /// One kernel of the library.
  package struct Entry: Sendable {
    /// As `--kernel` takes it: `deb:6.1.0-56-cloud-amd64`.
    package let name: String
    package let release: String
    package let folder: String

    fileprivate init?(_ folder: String) {
      guard let lines = try? Files.readText("\(folder)/\(KernelLibrary.record)").split(separator: "\n"),
        lines.count == 2
      else { return nil }
      (name, release, self.folder) = (String(lines[0]), String(lines[1]), folder)
    }

    /// Removes the kernel from the library. A VM whose QEMU has opened it is not affected.
    package func remove() throws { try Files.removeTree(folder) }

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
    }
  }

  /// Finds a kernel without fetching or unpacking one. nil: that would be necessary, or there is no such kernel.
  package func kept(_ name: String) -> NamedKernel? {
    switch KernelName(name) {
    case .path(let path): path.hasSuffix(".deb") ? nil : try? kernel(atPath: path) { _ in }
    case .local: try? find(name)
    case .debian(let spec):
      entry(named: KernelName.debianPrefix + (note(spec).value ?? spec)).flatMap { try? use($0) }
    }
  }

  private func kernel(atPath path: String, progress: (String) -> Void) throws -> NamedKernel {
    guard Files.exists(path) else { throw ImageError.missingFile(role: "kernel", path: path) }
    if path.hasSuffix(".deb") { return try use(try entry(ofPackage: path, progress: progress)) }
    guard Files.isDirectory(path) else { return NamedKernel(kernel: path) }
    if let tree = KernelBuildTree(path) { return try tree.built(for: architecture) }
    return try Self.kernel(in: path, release: nil)
  }

  /// The kernel of a .deb file, which is unpacked once.
  private func entry(ofPackage path: String, progress: (String) -> Void) throws -> Entry {
    let note = CacheNote(
      "\(folder)/names/\(SHA256.hex(Array(path.utf8)).prefix(32))",
      key: "\(path) \(try FileFacts(path))"
    )
    if let known = note.value, let entry = entry(named: known) { return entry }
    let entry = try add([path], name: nil, progress: progress)
    note.write(entry.name)
    return entry
  }

  /// The kernel of a root file system, or of a module folder that holds a vmlinuz.
  private static func kernel(in folder: String, release: String?) throws -> NamedKernel {
    let own = "\(folder)/vmlinuz"
    if release == nil, Files.isRegularFile(own) {
      return NamedKernel(kernel: own, modules: Files.isDirectory("\(folder)/kernel") ? folder : nil)
    }
    let releases = release.map { [$0] } ?? KernelFolder.releases(in: folder)
    let found = releases.map { ($0, KernelFolder(folder, release: $0)) }.filter { $0.1.kernel != nil }
    guard let (release, parts) = found.first, let kernel = parts.kernel else {
      throw ImageError.notAKernel(
        path: folder,
        what: "it is a folder that is neither a kernel's build tree nor holds boot/vmlinuz-RELEASE or "
          + "lib/modules/RELEASE/vmlinuz"
      )
    }
    guard found.count == 1 else {
      throw ImageError.notAKernel(
        path: folder,
        what: "it holds several kernels (\(found.map(\.0).joined(separator: ", "))): name the file of one"
      )
    }
    return NamedKernel(kernel: kernel, modules: parts.modules, release: release)
  }

  // MARK: The library

  /// The kernels in the library, sorted by name.
  package func entries() throws -> [Entry] {
    guard Files.isDirectory(folder) else { return [] }
    return try Files.list(folder).compactMap { Entry("\(folder)/\($0)") }.sorted { $0.name < $1.name }
  }

  private func entry(named name: String) -> Entry? { Entry(place(of: name)) }

  private func place(of name: String) -> String { "\(folder)/\(SafeFileName.make(name))" }

  private func note(_ spec: String) -> CacheNote {
    CacheNote("\(folder)/names/\(SafeFileName.make(spec))", key: spec)
  }

  private func use(_ entry: Entry) throws -> NamedKernel {
    utimes("\(entry.folder)/\(Self.record)", nil)
    return try Self.kernel(in: "\(entry.folder)/\(Self.tree)", release: entry.release)
  }

  /// Fetches a kernel of the distribution: the newest one that `spec` fits. Fetched again only if there is a newer one.
  /// - Parameter spec: `6.1`, `6.1-rt`, `6.1.0-56-cloud-amd64`.
  /// - Throws: `ImageError.unknownKernel`, with the nearest name.
  @discardableResult
  package func fetch(_ spec: String, progress: (String) -> Void) throws -> NamedKernel {
    let name = KernelName.debianPrefix + spec
    try Files.createDirectories(folder)
    let apt: PackageSource
    let package: String
    do {
      apt = try PackageSource(folder: "\(folder)/.apt-\(getpid())", architecture: architecture)
      try apt.prepare(progress: progress)
      let known = DebianKernelName(try apt.kernelPackages(), architecture: architecture.debianName)
      guard let found = known.package(for: spec) else {
        try? Files.removeTree(apt.folder)
        let hint = NearestName.hint(for: spec, among: known.names)
        let names = known.names.isEmpty ? "none" : known.names.joined(separator: ", ")
        throw ImageError.unknownKernel(
          name: name,
          reason: "the package sources of this host have no such kernel\(hint); they have: \(names)"
        )
      }
      package = found
    } catch let error as ImageError { throw error } catch {
      throw ImageError.unknownKernel(name: name, reason: "the package sources cannot be read: \(error)")
    }
    defer { try? Files.removeTree(apt.folder) }
    let release = PackageSource.release(ofImage: package)
    let full = KernelName.debianPrefix + release
    let entry: Entry
    if let kept = self.entry(named: full) {
      entry = kept
    } else {
      do {
        entry = try keep(full, release: release) { tree in
          for package in [package] + apt.companions(of: package) {
            progress("fetching \(package)")
            try apt.unpack(package, into: tree)
          }
        }
      } catch let error as ImageError { throw error } catch {
        throw ImageError.unknownKernel(name: name, reason: "\(package) cannot be fetched: \(error)")
      }
    }
    note(spec).write(release)
    var kernel = try use(entry)
    kernel.isStock = true
    return kernel
  }

  /// Adds a kernel from packages, or from a folder with a kernel and its modules.
  /// - Parameters:
  ///   - paths: the .deb files of one kernel, or one folder.
  ///   - name: the name without prefix; nil: the release.
  package func add(_ paths: [String], name: String?, progress: (String) -> Void) throws -> Entry {
    for path in paths where !Files.exists(path) { throw ImageError.missingFile(role: "kernel", path: path) }
    try Files.createDirectories(folder)
    let staging = "\(folder)/.add-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    defer { try? Files.removeTree(staging) }
    try Files.createDirectories(staging)
    for path in paths {
      progress("unpacking \(Files.display(path))")
      do {
        if Files.isDirectory(path) {
          _ = try ToolRun.run("cp", ["-a", "\(path)/.", staging], deadline: .after(.seconds(600)))
        } else {
          _ = try ToolRun.run("dpkg-deb", ["-x", path, staging], deadline: .after(.seconds(600)))
        }
      } catch { throw ImageError.notAKernel(path: path, what: "it cannot be unpacked: \(error)") }
    }
    let releases = KernelFolder.releases(in: staging).filter {
      KernelFolder(staging, release: $0).kernel != nil
    }
    guard releases.count == 1, let release = releases.first else {
      throw ImageError.notAKernel(
        path: paths.joined(separator: ", "),
        what: releases.isEmpty
          ? "no boot/vmlinuz-RELEASE or lib/modules/RELEASE/vmlinuz is in it (newer distributions have the kernel in "
            + "linux-binary-RELEASE and the modules in linux-modules-RELEASE: add them together)"
          : "it holds several kernels: \(releases.joined(separator: ", "))"
      )
    }
    let full = KernelName.localPrefix + (name ?? release)
    try remove(full)
    return try keep(full, release: release) { try Files.rename(staging, to: $0) }
  }

  /// Unpacks a kernel into a folder that appears as a whole.
  private func keep(_ name: String, release: String, unpack: (String) throws -> Void) throws -> Entry {
    let place = place(of: name), work = "\(place).new-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    defer { try? Files.removeTree(work) }
    try Files.createDirectories(work)
    try unpack("\(work)/\(Self.tree)")
    guard KernelFolder("\(work)/\(Self.tree)", release: release).kernel != nil else {
      throw ImageError.unknownKernel(name: name, reason: "its packages hold no vmlinuz for \(release)")
    }
    try Files.write(Array("\(name)\n\(release)\n".utf8), to: "\(work)/\(Self.record)", mode: 0o644)
    // Another process may have been first: its kernel is the same.
    do { try Files.rename(work, to: place) } catch { if entry(named: name) == nil { throw error } }
    guard let entry = entry(named: name) else {
      throw ImageError.unknownKernel(name: name, reason: "it was removed from the cache meanwhile")
    }
    return entry
  }

  /// Removes a kernel from the library. VMs that run it are not affected.
  /// - Returns: Whether it was there.
  @discardableResult
  package func remove(_ name: String) throws -> Bool {
    var full = name
    if case .debian(let spec) = KernelName(name), let known = note(spec).value {
      full = KernelName.debianPrefix + known
    }
    guard entry(named: full) != nil else { return false }
    try Files.removeTree(place(of: full))
    return true
  }

  /// The kernels of all architectures that were fetched, and can be fetched again.
  package static func fetched(in cache: String) -> [Entry] {
    let library = "\(cache)/kernels/library"
    return ((try? Files.list(library)) ?? []).flatMap { architecture in
      ((try? Files.list("\(library)/\(architecture)")) ?? []).compactMap {
        Entry("\(library)/\(architecture)/\($0)")
      }
    }.filter { $0.name.hasPrefix(KernelName.debianPrefix) }
  }

  private static func size(_ path: String) -> UInt64 {
    guard Files.isDirectory(path) else { return Files.blocks(path) }
    return ((try? Files.list(path)) ?? []).reduce(0) { $0 + size("\(path)/\($1)") }
  }
}
