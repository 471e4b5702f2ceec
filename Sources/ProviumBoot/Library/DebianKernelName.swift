import ProviumSystem

/// Finds the package of `deb:SPEC` among the names of packages: `6.1`, `6.1-rt`, `6.1.0-56`, `6.1.0-56-cloud-amd64`.
struct DebianKernelName {
  /// One kernel package.
  private struct Package {
    let name: String
    /// `6.1.0-56-cloud-amd64`
    let release: String
    /// `6.1.0-56`
    let version: String
    /// `cloud`; empty for the generic kernel.
    let flavour: String
    /// The numbers of the version, for comparison.
    let numbers: [Int]

    /// nil: it is not a kernel, or its package is a meta-package, unsigned, or of debug symbols.
    init?(_ name: String, architecture: String) {
      guard name.hasPrefix("linux-image-"), !name.hasSuffix("-dbg"), !name.hasSuffix("-unsigned") else {
        return nil
      }
      self.name = name
      release = String(name.dropFirst("linux-image-".count))
      var parts = release.split(separator: "-").map(String.init)
      // Meta-packages have two numbers: linux-image-6.12-amd64.
      guard let first = parts.first, first.first?.isNumber == true, first.filter({ $0 == "." }).count >= 2
      else {
        return nil
      }
      if parts.last == architecture { parts.removeLast() }
      flavour = parts.count > 1 && parts.last?.first?.isLetter == true ? parts.removeLast() : ""
      version = parts.joined(separator: "-")
      numbers = version.split { !$0.isNumber }.compactMap { Int($0) }
    }

    /// Ubuntu names the generic kernel.
    var isGeneric: Bool { flavour.isEmpty || flavour == "generic" }

    /// `6.1`
    var series: String { numbers.prefix(2).map(String.init).joined(separator: ".") }
  }

  private let packages: [Package]

  /// - Parameter architecture: Debian's name: `amd64`.
  init(_ names: [String], architecture: String) {
    packages = names.compactMap { Package($0, architecture: architecture) }
  }

  /// The newest package that fits; nil: none does.
  func package(for spec: String) -> String? {
    if let exact = packages.first(where: { $0.release == spec }) { return exact.name }
    let dash = spec.lastIndex(of: "-")
    let last = dash.map { spec[spec.index(after: $0)...] } ?? ""
    let hasFlavour = last.first?.isLetter == true
    let version = hasFlavour ? String(spec[..<(dash ?? spec.endIndex)]) : spec
    return packages.filter { package in
      (hasFlavour ? package.flavour == last : package.isGeneric)
        && Self.begins(package.version, with: version)
    }.max { $0.numbers.lexicographicallyPrecedes($1.numbers) }?.name
  }

  private static func begins(_ version: String, with prefix: String) -> Bool {
    guard !prefix.isEmpty, version.hasPrefix(prefix) else { return false }
    let rest = version.dropFirst(prefix.count)
    return rest.isEmpty || rest.first?.isNumber == false
  }

  /// The short names that `package(for:)` knows, sorted: `6.1`, `6.1-cloud`, `6.1-rt`.
  var names: [String] {
    packages.map { $0.isGeneric ? $0.series : "\($0.series)-\($0.flavour)" }.uniqued().sorted()
  }
}
