import ProviumSystem

/// The facts about a kernel that the host knows. A fact that is not known is nil.
package struct KernelFacts: Sendable, Hashable {
  package var release: KernelRelease?
  package var configuration: KernelConfiguration?
  /// The folder of its modules.
  package var modules: String?

  package init(
    release: KernelRelease? = nil,
    configuration: KernelConfiguration? = nil,
    modules: String? = nil
  ) {
    self.release = release
    self.configuration = configuration
    self.modules = modules
  }
}

/// The configuration that a kernel was built with: the lines of its `.config`.
package struct KernelConfiguration: Sendable, Hashable {
  private let values: [String: String]

  /// - Parameter text: lines such as `CONFIG_NET=y`; others are comments.
  package init(_ text: String) {
    var values: [String: String] = [:]
    for line in text.split(separator: "\n") where line.hasPrefix(Self.prefix) {
      guard let equals = line.firstIndex(of: "=") else { continue }
      var value = line[line.index(after: equals)...]
      if value.count >= 2, value.first == "\"", value.last == "\"" { value = value.dropFirst().dropLast() }
      values[String(line[..<equals].dropFirst(Self.prefix.count))] = String(value)
    }
    self.values = values
  }

  private static let prefix = "CONFIG_"

  /// `y`, `m`, a number or a text; nil: the option is not set.
  /// - Parameter option: with or without `CONFIG_`.
  package subscript(option: String) -> String? {
    values[option.hasPrefix(Self.prefix) ? String(option.dropFirst(Self.prefix.count)) : option]
  }

  /// The configuration in the format of /proc/config.gz.
  package init(packed: [UInt8]) throws {
    self.init(try ToolRun.run("gzip", ["-dc"], input: packed).outputText)
  }
}
