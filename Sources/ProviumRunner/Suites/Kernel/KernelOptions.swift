import ProviumSystem

/// One option of a kernel's configuration: its name and its value.
struct KernelOption: Sendable, Hashable {
  /// With the prefix: `CONFIG_SECCOMP`.
  let name: String
  /// `y`, `m`, a number or a string as it is written; nil: not set.
  let value: String?
}

/// The configuration of a kernel, as `.config` has it.
struct KernelOptions: Sendable {
  private let values: [String: String]

  init(_ text: String) {
    values = Dictionary(
      Self.fragment(text).compactMap { option in option.value.map { (option.name, $0) } },
      uniquingKeysWith: { $1 }
    )
  }

  /// Reads lines `CONFIG_NAME=value` and `# CONFIG_NAME is not set`; ignores all others.
  static func fragment(_ text: String) -> [KernelOption] {
    text.split(separator: "\n").compactMap { line in
      let line = String(line).trimmed
      if line.hasPrefix("# CONFIG_"), line.hasSuffix(" is not set") {
        return KernelOption(name: String(line.dropFirst(2).dropLast(" is not set".count)), value: nil)
      }
      guard line.hasPrefix("CONFIG_"), let equals = line.firstIndex(of: "=") else { return nil }
      let value = String(line[line.index(after: equals)...]).trimmed
      return KernelOption(name: String(line[..<equals]).trimmed, value: value == "n" ? nil : value)
    }
  }

  /// The options that the kernel lacks: asked for as `y` or `m`, and not set. A module serves where the kernel has it built in, and
  /// the reverse. Options with other values, and options that must not be set, are preferences and are not compared.
  func missing(_ wanted: [KernelOption]) -> [String] {
    wanted.filter { option in
      (option.value == "y" || option.value == "m") && values[option.name] != "y" && values[option.name] != "m"
    }
    .map(\.name).uniqued()
  }

  /// Finds the configuration of a kernel file on the host: beside the kernel, in the build tree around it, or with its modules.
  /// - Parameters:
  ///   - kernel: a kernel file, or a build tree.
  ///   - release: `6.1.0-56-cloud-amd64`; nil: unknown.
  ///   - modules: the folder of its modules.
  static func find(kernel: String, release: String?, modules: String?) -> KernelOptions? {
    // The whole build tree, or a file in it.
    let folder = Files.isDirectory(kernel) ? kernel : Files.parent(of: kernel)
    var places = release.map { ["\(folder)/config-\($0)"] } ?? []
    // A vmlinux is at the top of its build tree, an image in arch/NAME/boot.
    places += ["\(folder)/.config", Files.normalize("\(folder)/../../../.config")]
    if let modules { places += ["\(modules)/config", "\(modules)/build/.config"] }
    return places.lazy.compactMap { try? Files.readText($0) }.first.map(KernelOptions.init)
  }
}
