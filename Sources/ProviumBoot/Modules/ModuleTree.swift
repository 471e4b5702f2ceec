import ProviumSystem

/// A kernel's modules, `/lib/modules/VERSION`: which there are, which are built in, and in what order they load.
///
/// Dependencies are read from `modules.dep`, or from the modules themselves where depmod has not run (a package that
/// was unpacked, not installed).
package final class ModuleTree {
  package let directory: String
  /// The last part of the path: the release the modules are for.
  package let release: String
  private let paths: [String: String]
  private var needs: [String: [String]]
  private let builtin: Set<String>

  package init(_ directory: String) throws {
    self.directory = directory
    guard Files.isDirectory(directory) else {
      throw ImageError.noModuleDirectory(path: directory, reason: "there is no such folder")
    }
    release = directory.split(separator: "/").last.map(String.init) ?? directory
    var paths: [String: String] = [:], needs: [String: [String]] = [:]
    if let list = try? Files.readText("\(directory)/modules.dep") {
      for line in list.split(separator: "\n") {
        guard let colon = line.firstIndex(of: ":") else { continue }
        let path = String(line[..<colon])
        paths[Self.name(path)] = path
        // What is needed stands from right to left.
        needs[Self.name(path)] = line[line.index(after: colon)...].split(separator: " ").reversed()
          .map { Self.name(String($0)) }
      }
    } else {
      for path in try Self.walk(directory, "kernel") { paths[Self.name(path)] = path }
    }
    guard !paths.isEmpty || Files.exists("\(directory)/modules.builtin") else {
      throw ImageError.noModuleDirectory(
        path: directory,
        reason: "it holds neither modules nor a modules.builtin"
      )
    }
    self.paths = paths
    self.needs = needs
    let text = (try? Files.readText("\(directory)/modules.builtin")) ?? ""
    builtin = Set(text.split(separator: "\n").map { Self.name(String($0)) })
  }

  private static func walk(_ root: String, _ folder: String) throws -> [String] {
    guard Files.isDirectory("\(root)/\(folder)") else { return [] }
    return try Files.list("\(root)/\(folder)").flatMap { name -> [String] in
      let path = "\(folder)/\(name)"
      if Files.isDirectory("\(root)/\(path)") { return try walk(root, path) }
      return name.hasSuffix(".ko") || name.contains(".ko.") ? [path] : []
    }
  }

  /// `virtio_pci` for `kernel/drivers/virtio/virtio-pci.ko.xz`: `-` and `_` are one.
  static func name(_ path: String) -> String {
    let file = path.split(separator: "/").last ?? ""
    let stem = file.split(separator: ".").first ?? ""
    return String(stem.map { $0 == "-" ? "_" : $0 })
  }

  package func isBuiltIn(_ module: String) -> Bool { builtin.contains(module) }
  package func has(_ module: String) -> Bool { paths[module] != nil || builtin.contains(module) }
  /// Relative to `directory`.
  package func path(of module: String) -> String? { paths[module] }

  /// `wanted` and all that they need, each once, what is needed first. Built-in ones are left out.
  /// - Throws: `ImageError.driverMissing` for one that is neither a module nor built in.
  package func loadOrder(_ wanted: [String]) throws -> [String] {
    var order: [String] = []
    var seen: Set<String> = []
    func visit(_ module: String) throws {
      guard paths[module] != nil, seen.insert(module).inserted else { return }
      for needed in try directNeeds(of: module) { try visit(needed) }
      order.append(module)
    }
    for module in wanted {
      guard has(module) else { throw ImageError.driverMissing(module: module, directory: directory) }
      try visit(module)
    }
    return order
  }

  private func directNeeds(of module: String) throws -> [String] {
    if let known = needs[module] { return known }
    let found = Self.dependencies(in: try contents(of: module))
    needs[module] = found
    return found
  }

  /// `depends=` and `softdep=pre:` of the section .modinfo, found by their text: it is a list of NUL-terminated
  /// `key=value` strings.
  static func dependencies(in module: [UInt8]) -> [String] {
    func values(_ key: String) -> [String] {
      let mark = Array("\0\(key)=".utf8)
      var found: [String] = []
      var start = 0
      while let place = module.firstRange(of: mark, from: start) {
        let value = module[(place + mark.count)...].prefix { $0 != 0 }
        found.append(String(decoding: value, as: UTF8.self))
        start = place + mark.count
      }
      return found
    }
    let hard = values("depends").flatMap { $0.split(separator: ",").map(String.init) }
    let soft = values("softdep").flatMap { text -> [String] in
      guard let pre = text.firstRange(of: "pre:") else { return [] }
      return text[pre.upperBound...].split(separator: " ").prefix { !$0.hasSuffix(":") }.map(String.init)
    }
    return (soft + hard).map { String($0.map { $0 == "-" ? "_" : $0 }) }
  }

  /// The module's bytes, uncompressed: the guest's kernel may not be able to.
  package func contents(of module: String) throws -> [UInt8] {
    guard let relative = paths[module] else {
      throw ImageError.driverMissing(module: module, directory: directory)
    }
    let path = "\(directory)/\(relative)"
    if relative.hasSuffix(".xz") { return try ToolRun.run("xz", ["-dc", path]).output }
    if relative.hasSuffix(".zst") { return try ToolRun.run("zstd", ["-dcq", path]).output }
    if relative.hasSuffix(".gz") { return try ToolRun.run("gzip", ["-dc", path]).output }
    return try Files.read(path)
  }
}

extension [UInt8] {
  /// Where `mark` begins, at or after `start`.
  func firstRange(of mark: [UInt8], from start: Int) -> Int? {
    withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, start < bytes.count else { return nil }
      return mark.withUnsafeBytes { mark -> Int? in
        guard let found = ByteSearch.find(mark, in: UnsafeRawBufferPointer(rebasing: bytes[start...])) else {
          return nil
        }
        _ = base
        return start + found
      }
    }
  }
}
