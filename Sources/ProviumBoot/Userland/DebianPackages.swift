import Glibc
package import ProviumArchitecture
import ProviumSystem

/// The packages of a Debian or Ubuntu userland: those that were named, all that they depend on, and the essential and required ones. Resolved and
/// fetched without root from the package sources of this host. Nothing is installed.
package struct DebianPackages {
  /// One package in the version that a root is made of.
  package struct Package: Sendable, Hashable {
    /// `bash_5.2.15-2_amd64.deb`
    package let file: String
    let digest: String
  }

  private let names: [String]
  private let apt: PackageSource

  /// - Parameters:
  ///   - folder: kept between runs: the lists of packages of another architecture.
  package init(_ names: [String], architecture: Architecture, folder: String) throws {
    self.names = names
    do {
      try Files.createDirectories(folder)
      let status = "\(folder)/nothing-installed"
      if !Files.exists(status) { try Files.replace(status, with: [], mode: 0o644) }
      apt = try PackageSource(folder: folder, architecture: architecture, status: status)
    } catch ImageError.noKernel(let reasons) {
      throw ImageError.noPackages(names: names, reason: reasons.joined(separator: "; "))
    }
  }

  /// Whether a text is the name of a package, and no option of apt-get: `gcc`, `g++`, `bash=5.2.15-2`, `gcc/bookworm`.
  package static func isName(_ text: String) -> Bool {
    let others = "+-.=:~/"
    guard let first = text.utf8.first, let last = text.utf8.last, text.utf8.count <= 200 else { return false }
    let isAllowed = text.unicodeScalars.allSatisfy { scalar in
      scalar.isASCII && (scalar.properties.isAlphabetic || scalar.properties.numericType != nil)
        || others.unicodeScalars.contains(scalar)
    }
    // apt-get removes a package whose name ends with a dash.
    return isAllowed && last != UInt8(ascii: "-")
      && (UInt8(ascii: "0")...UInt8(ascii: "9") ~= first || UInt8(ascii: "a")...UInt8(ascii: "z") ~= first)
  }

  /// Changes when the lists of packages have changed: what `resolve` returns is valid for it.
  package var listsVersion: String {
    let lists = (try? Files.list(apt.lists)) ?? []
    let facts = lists.filter { $0.hasSuffix("_InRelease") || $0.contains("_Packages") }.map { name in
      "\(name) \((try? FileFacts("\(apt.lists)/\(name)")).map { "\($0)" } ?? "")"
    }
    return SHA256.hex(
      Array(
        "\(apt.debianArchitecture)\n\(names.joined(separator: "\n"))\n\(facts.joined(separator: "\n"))".utf8
      )
    )
  }

  private var install: [String] {
    // Nothing depends on the essential packages. Those of priority required are the least that a system has, such as mount.
    [
      "-qq", "-y", "--no-install-recommends", "-o", "Acquire::Languages=none", "install",
      "?or(?essential,?priority(required))",
    ] + names
  }

  /// Finds all packages and their versions.
  package func resolve(progress: (String) -> Void) throws -> [Package] {
    do {
      try apt.prepare(progress: progress)
      progress("looking for \(names.count) packages")
      let output = try apt.run("apt-get", ["--print-uris"] + install).outputText
      let packages = try Self.packages(in: output, for: names)
      guard !packages.isEmpty else { throw ImageError.noPackages(names: names, reason: "apt-get names none") }
      return packages
    } catch { throw problem(error) }
  }

  /// The packages of the lines `'URI' FILE SIZE [DIGEST]` of apt-get. Some lists have no digest that apt-get shows here.
  /// - Throws: for any other line: a root without one of its packages would look complete.
  package static func packages(in output: String, for names: [String] = []) throws -> [Package] {
    try output.split(separator: "\n").map { line in
      let words = line.split(separator: " ")
      guard (3...4).contains(words.count), words[0].hasPrefix("'"), words[1].hasSuffix(".deb"),
        !words[1].contains("/")
      else {
        throw ImageError.noPackages(names: names, reason: "apt-get said: \(HarmlessText.line(String(line)))")
      }
      return Package(file: String(words[1]), digest: words.count == 4 ? String(words[3]) : "")
    }.sorted { $0.file < $1.file }
  }

  /// Fetches what `resolve` has found.
  /// - Returns: the paths of the .deb files.
  package func fetch(_ packages: [Package], progress: (String) -> Void) throws -> [String] {
    do {
      progress("fetching \(packages.count) packages")
      try apt.run("apt-get", ["--download-only"] + install)
      return try packages.map { package in
        let path = "\(apt.folder)/cache/archives/\(package.file)"
        guard Files.exists(path) else {
          throw ImageError.noPackages(names: names, reason: "apt-get left no \(package.file)")
        }
        return path
      }
    } catch { throw problem(error) }
  }

  /// Removes the fetched files.
  package func removeFetched() { try? Files.removeTree("\(apt.folder)/cache/archives") }

  private func problem(_ error: any Error) -> ImageError {
    if let error = error as? ImageError { return error }
    guard case ToolRun.Failure.failed(_, _, let errors)? = error as? ToolRun.Failure else {
      return .noPackages(names: names, reason: "\(error)")
    }
    let lines = errors.split(separator: "\n").filter { $0.hasPrefix("E: ") }.map { $0.dropFirst(3) }
    let reason = lines.isEmpty ? errors : lines.joined(separator: "; ")
    return .noPackages(names: names, reason: HarmlessText.line(reason.trimmed))
  }
}
