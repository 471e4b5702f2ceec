import ProviumSystem

/// A kernel's modules, `/lib/modules/RELEASE`: which there are, which are built in, and in what order they load.
///
/// The folder may also be one in which a kernel was built: its modules are used in place. Dependencies are read from the lists of depmod(8), or from the modules themselves where depmod has not run (a package that
/// was unpacked, not installed). Names are resolved as modprobe(8) does: `modules.alias`, `modules.softdep`,
/// `modules.builtin`, `modules.builtin.modinfo`, and modprobe.d(5) of the tree. Not thread-safe.
package final class ModuleTree {
  package let directory: String
  /// The release that the modules are for: the last part of the path, or, in a folder elsewhere, that of the first module.
  package let release: String
  /// The prefix of the modules' paths.
  private let folder: String
  /// By name, relative to `directory`.
  private let paths: [String: String]
  /// By name; what is known from `modules.dep`.
  private let listedNeeds: [String: [String]]
  /// Whether `modules.dep` is there.
  private let hasDependencyList: Bool
  private let builtin: Set<String>
  private let configuration: ModprobeConfiguration
  private lazy var aliases = ModuleAliases(directory)
  private var information: [String: ModuleInformation] = [:]
  private var resolved: [String: [String]] = [:]

  package init(_ directory: String) throws {
    self.directory = directory
    guard Files.isDirectory(directory) else {
      throw ImageError.noModuleDirectory(path: directory, reason: "there is no such folder")
    }
    let buildTree = KernelBuildTree(directory)
    folder = buildTree == nil ? "kernel/" : ""
    var paths: [String: String] = [:], needs: [String: [String]] = [:]
    let list = buildTree == nil ? try? Files.readText("\(directory)/modules.dep") : nil
    hasDependencyList = list != nil
    if let list {
      for line in list.split(separator: "\n") {
        guard let colon = line.firstIndex(of: ":") else { continue }
        let path = String(line[..<colon])
        paths[ModuleName.of(path: path)] = path
        // Needed modules are listed from right to left.
        needs[ModuleName.of(path: path)] = line[line.index(after: colon)...].split(separator: " ").reversed()
          .map { ModuleName.of(path: $0) }
      }
    } else {
      for path in try buildTree?.modules() ?? Self.files(directory, "kernel") {
        paths[ModuleName.of(path: path)] = path
      }
    }
    let builtinList = try? Files.readText("\(directory)/modules.builtin")
    guard !paths.isEmpty || list != nil || builtinList != nil else {
      throw ImageError.noModuleDirectory(
        path: directory,
        reason: "it holds neither modules nor a modules.builtin"
      )
    }
    self.paths = paths
    release =
      buildTree?.release ?? Self.release(of: directory, first: paths.values.min())
    listedNeeds = needs
    builtin = Set((builtinList ?? "").split(separator: "\n").map { ModuleName.of(path: $0) })
    configuration = ModprobeConfiguration(modules: directory)
  }

  private static func release(of directory: String, first: String?) -> String {
    let name = directory.split(separator: "/").last.map(String.init) ?? directory
    guard ModuleFolder.root(of: directory) == nil, let first,
      let module = try? ModuleCompression(path: first).unpack("\(directory)/\(first)")
    else { return name }
    return ModuleInformation(module: module).release ?? name
  }

  /// The module files below a folder, in the order of their names.
  private static func files(_ root: String, _ folder: String) throws -> [String] {
    guard Files.isDirectory("\(root)/\(folder)") else { return [] }
    return try Files.list("\(root)/\(folder)").sorted().flatMap { name -> [String] in
      let path = "\(folder)/\(name)"
      if Files.isDirectory("\(root)/\(path)") { return try files(root, path) }
      return name.hasSuffix(".ko") || name.contains(".ko.") ? [path] : []
    }
  }

  package func isBuiltIn(_ module: String) -> Bool { builtin.contains(module) }
  package func has(_ module: String) -> Bool { paths[module] != nil || builtin.contains(module) }
  /// Relative to `directory`.
  package func path(of module: String) -> String? { paths[module] }
  /// The names of all modules, sorted.
  package var names: [String] { paths.keys.sorted() }
  package func isCompressed(_ module: String) -> Bool {
    paths[module].map { ModuleCompression(path: $0) != .none } ?? false
  }
  /// The modules that need `module`, by `modules.dep`; nil: depmod has not run.
  package func dependents(of module: String) -> Set<String>? {
    hasDependencyList ? Set(listedNeeds.filter { $0.value.contains(module) }.keys) : nil
  }
  /// The patterns of the names that a module answers to besides its own.
  package func aliases(of module: String) throws -> [String] { try information(of: module).aliases }

  // MARK: Order

  /// One module of the order in which modules are loaded.
  package struct Load: Sendable, Hashable {
    package let name: String
    /// Whether the kernel may refuse it, for example because the processor lacks what it needs.
    package fileprivate(set) var isOptional: Bool
    /// For the kernel: `a=1 b=2`.
    package let parameters: String
  }

  /// The names of `loads(_:)`.
  package func loadOrder(_ wanted: [String]) throws -> [String] { try loads(wanted).map(\.name) }

  /// `wanted` and everything that they need, each once, needed modules first. Modules that are built in are left out.
  /// - Throws: `ImageError.driverMissing` for one that is neither a module nor built in, `ImageError.staleModuleList`.
  package func loads(_ wanted: [String]) throws -> [Load] {
    var order = LoadOrder()
    for name in wanted {
      let name = ModuleName.normalized(name)
      if has(name) {
        try visit(name, isOptional: false, &order)
        continue
      }
      let modules = try modules(for: name)
      guard let modules else { throw missing(name) }
      for module in modules { try visit(module, isOptional: modules.count > 1, &order) }
    }
    return order.loads
  }

  private struct LoadOrder {
    var loads: [Load] = []
    /// The places in `loads`.
    var places: [String: Int] = [:]
    /// Modules whose needs are being visited: a cycle ends there.
    var entered: Set<String> = []
  }

  private func visit(_ module: String, isOptional: Bool, _ order: inout LoadOrder) throws {
    guard paths[module] != nil else { return }
    if let place = order.places[module] {
      guard order.loads[place].isOptional, !isOptional else { return }
      order.loads[place].isOptional = false
      for needed in try needs(of: module) { try visit(needed, isOptional: false, &order) }
      return
    }
    guard !configuration.disabled.contains(module) else {
      if isOptional { return }
      throw ImageError.moduleDisabled(module: module, directory: directory)
    }
    guard order.entered.insert(module).inserted else { return }
    try checkFile(of: module)
    let soft = try softDependencies(of: module)
    try visit(soft: soft.before, &order)
    for needed in try needs(of: module) { try visit(needed, isOptional: isOptional, &order) }
    order.places[module] = order.loads.count
    let parameters = (configuration.options[module] ?? []).joined(separator: " ")
    order.loads.append(Load(name: module, isOptional: isOptional, parameters: parameters))
    try visit(soft: soft.after, &order)
  }

  /// A soft dependency that does not exist is left out, as modprobe(8) does.
  private func visit(soft names: [String], _ order: inout LoadOrder) throws {
    for name in names {
      for module in try modules(for: name) ?? [] { try visit(module, isOptional: true, &order) }
    }
  }

  private func needs(of module: String) throws -> [String] {
    if let listed = listedNeeds[module] { return listed }
    let needs = try information(of: module).dependencies
    for needed in needs where !has(needed) { throw missing(needed) }
    return needs
  }

  private func softDependencies(of module: String) throws -> SoftDependencies {
    let configured = configuration.softDependencies[module] ?? SoftDependencies()
    let own = configuration.hasSoftDependencyList ? nil : try information(of: module).softDependencies
    let requested = SoftDependencies(before: Self.requestedWhenUsed[module] ?? [])
    return configured + (own ?? SoftDependencies()) + requested
  }

  /// The modules that a driver requests from the kernel when it is used, without a soft dependency. The wrapper mounts the
  /// root while there is no modprobe(8) that could answer.
  private static let requestedWhenUsed = [
    "vfat": ["nls_cp437", "nls_ascii", "nls_utf8", "nls_iso8859_1"]
  ]

  // MARK: Names

  /// The modules of a normalized name, as modprobe(8) resolves it. Empty: a driver that is built in. nil: nothing.
  func modules(for name: String) throws -> [String]? {
    let configured = configuration.modules(for: name)
    if !configured.isEmpty { return configured.filter { paths[$0] != nil } }
    if paths[name] != nil { return [name] }
    if builtin.contains(name) { return [] }
    if let known = resolved[name] { return known }
    let (listed, isBuiltIn) = aliases.modules(for: name)
    var modules = listed
    if !hasDependencyList, modules.isEmpty { modules = try searchAlias(name, isBuiltIn: isBuiltIn) }
    modules = modules.filter { paths[$0] != nil && !configuration.blacklist.contains($0) }
    guard !modules.isEmpty || isBuiltIn else { return nil }
    resolved[name] = modules
    return modules
  }

  /// Finds the modules of an alias where depmod has not run, by reading modules.
  /// - Parameter isBuiltIn: a driver that is built in answers to the alias already.
  private func searchAlias(_ name: String, isBuiltIn: Bool) throws -> [String] {
    // Implementations of ciphers and checksums in software. Those of accelerators, in drivers/crypto, are many and no VM has
    // the hardware.
    let folders =
      name.hasPrefix("crypto_") ? ["crypto/", "arch/", "lib/"].map { folder + $0 } : isBuiltIn ? [] : [""]
    let files = paths.values.filter { path in folders.contains { path.hasPrefix($0) } }.sorted()
    try readInformation(of: files)
    return files.map { ModuleName.of(path: $0) }.filter { module in
      information[module]?.aliases.contains { ModuleName.matches(name, pattern: $0) } == true
    }
  }

  // MARK: Files

  private func information(of module: String) throws -> ModuleInformation {
    if let known = information[module] { return known }
    let found = ModuleInformation(module: try contents(of: module))
    information[module] = found
    return found
  }

  /// Reads many modules with few processes.
  private func readInformation(of files: [String]) throws {
    let unknown = files.filter { information[ModuleName.of(path: $0)] == nil }
    for (packing, files) in Dictionary(grouping: unknown, by: ModuleCompression.init(path:)) {
      for start in stride(from: 0, to: files.count, by: Self.batch) {
        let batch = files[start..<min(start + Self.batch, files.count)]
        for module in try packing.unpackAll(batch.map { "\(directory)/\($0)" }) {
          let found = ModuleInformation(module: module)
          if let name = found.name { information[name] = found }
        }
      }
    }
  }

  /// Modules that one process unpacks: their contents are in memory together.
  private static let batch = 200

  /// The module's bytes, uncompressed: the guest's kernel may not be able to uncompress them.
  package func contents(of module: String) throws -> [UInt8] {
    guard let relative = paths[module] else {
      throw ImageError.driverMissing(module: module, directory: directory, hint: "")
    }
    return try ModuleCompression(path: relative).unpack("\(directory)/\(relative)")
  }

  // MARK: Errors

  /// Compares `modules.dep` with the folder.
  private func checkFile(of module: String) throws {
    guard hasDependencyList, let path = paths[module], !Files.exists("\(directory)/\(path)") else { return }
    let folder = Files.parent(of: path)
    let other = ((try? Files.list("\(directory)/\(folder)")) ?? []).first {
      ModuleName.of(path: $0) == module
    }
    throw ImageError.staleModuleList(
      directory: directory,
      reason: "it names \(path), which is not there" + (other.map { " (\($0) is)" } ?? "")
    )
  }

  private func missing(_ name: String) -> ImageError {
    let files = hasDependencyList ? ((try? Self.files(directory, "kernel")) ?? []) : []
    if let file = files.first(where: { ModuleName.of(path: $0) == name }) {
      return .staleModuleList(
        directory: directory,
        reason: paths.isEmpty
          ? "it names no module, and \(file) is there" : "it does not name \(file), which is there"
      )
    }
    let hint =
      if !Files.exists("\(directory)/modules.builtin") {
        ", which lacks modules.builtin, the list of the drivers that are built in"
      } else if paths.isEmpty {
        ", which holds no modules; a distribution may have them in another package: provium kernel add takes both"
      } else { "" }
    return .driverMissing(module: name, directory: directory, hint: hint)
  }
}

extension SoftDependencies {
  init(before: [String]) {
    self.init()
    self.before = before
  }
}
