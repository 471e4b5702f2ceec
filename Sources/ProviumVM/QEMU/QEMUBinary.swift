import ProviumBoot
import ProviumSystem

/// An installed QEMU.
package struct QEMUBinary: Sendable, Hashable {
  package let path: String
  /// `7.2.22`.
  package let version: String
  /// `x86_64`, `aarch64`: of its guests.
  package let architecture: String

  /// There is none, or it cannot be used.
  package enum Failure: Error, Sendable, CustomStringConvertible {
    case notInstalled(program: String, package: String)
    case unusable(path: String, reason: String)

    package var description: String {
      switch self {
      case .notInstalled(let program, let package):
        "QEMU is not installed: \(program) is not in PATH; install it with: apt-get install \(package)"
      case .unusable(let path, let reason): "\(path) cannot be used: \(reason)"
      }
    }
  }

  /// The environment variable that names another QEMU than PATH's: `PROVIUM_QEMU` for guests of the host's own architecture,
  /// `PROVIUM_QEMU_AARCH64` and the like for others.
  package static func variable(for architecture: String, host: String = HostFacts.machine) -> String {
    architecture == host ? "PROVIUM_QEMU" : "PROVIUM_QEMU_\(architecture.uppercased())"
  }

  /// Finds QEMU for guests of an architecture. The version is asked once per binary, and cached.
  package static func find(architecture: String, cache: String) throws -> QEMUBinary {
    let program = "qemu-system-\(architecture)"
    let variable = variable(for: architecture)
    if let path = Environment[variable], !Files.exists(path) {
      throw Failure.unusable(path: path, reason: "there is no such file (\(variable) names it)")
    }
    guard let path = Environment[variable] ?? ToolRun.find(program) else {
      throw Failure.notInstalled(
        program: program,
        package: GuestPlatform.named(architecture)?.qemuPackage ?? "qemu-system-misc"
      )
    }
    return QEMUBinary(path: path, version: try version(of: path, cache: cache), architecture: architecture)
  }

  private static func version(of path: String, cache: String) throws -> String {
    let facts = try FileFacts(path)
    let key = "\(path) \(facts.size) \(facts.modifiedNanoseconds)"
    let kept = "\(cache)/qemu-version-\(path.split(separator: "/").last ?? "qemu")"
    let lines = ((try? Files.readText(kept)) ?? "").split(separator: "\n")
    if lines.count == 2, lines[0] == key { return String(lines[1]) }
    let output: String
    do { output = try ToolRun.run(path, ["--version"], deadline: .after(.seconds(10))).outputText } catch {
      throw Failure.unusable(path: path, reason: "\(error)")
    }
    guard let version = version(in: output) else {
      let said = output.split(separator: "\n").first ?? ""
      throw Failure.unusable(path: path, reason: "it is no QEMU: --version says '\(said.prefix(80))'")
    }
    try? Files.createDirectories(cache)
    try? Files.replace(kept, with: Array("\(key)\n\(version)\n".utf8))
    return version
  }

  /// `7.2.22` of `QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)`; nil for what another program says.
  static func version(in output: String) -> String? {
    let words = output.split(whereSeparator: \.isWhitespace)
    guard words.count > 3, words.prefix(3) == ["QEMU", "emulator", "version"] else { return nil }
    return String(words[3])
  }
}
