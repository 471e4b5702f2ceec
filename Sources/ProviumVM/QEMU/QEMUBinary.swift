package import ProviumArchitecture
import ProviumSystem

/// An installed QEMU.
package struct QEMUBinary: Sendable, Hashable {
  package let path: String
  /// `7.2.22`.
  package let version: String
  /// The architecture of its guests.
  package let architecture: Architecture
  /// Whether it was built with the device of `ShareWindowDevice`.
  package var hasSharedMemoryDevice = false

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
  package static func variable(for architecture: Architecture, host: String = HostFacts.machine) -> String {
    architecture.name == host ? "PROVIUM_QEMU" : "PROVIUM_QEMU_\(architecture.name.uppercased())"
  }

  /// Finds QEMU for guests of an architecture. The version is asked once per binary, and cached.
  package static func find(architecture: Architecture, cache: String) throws -> QEMUBinary {
    let program = "qemu-system-\(architecture)"
    let variable = variable(for: architecture)
    if let path = Environment[variable], !Files.exists(path) {
      throw Failure.unusable(path: path, reason: "there is no such file (\(variable) names it)")
    }
    guard let path = Environment[variable] ?? ToolRun.find(program) else {
      throw Failure.notInstalled(program: program, package: architecture.qemuPackage)
    }
    let words = try facts(of: path, cache: cache).split(separator: " ").map(String.init)
    var binary = QEMUBinary(path: path, version: words.first ?? "", architecture: architecture)
    binary.hasSharedMemoryDevice = words.contains(ShareWindowDevice.model)
    return binary
  }

  /// Whether it was built with user-mode networking, by its own list of network backends.
  package var hasUserNetwork: Bool {
    let list = try? ToolRun.run(
      path,
      ["-machine", "none", "-netdev", "help"],
      deadline: .after(.seconds(10))
    )
    return list?.outputText.split(whereSeparator: \.isNewline).contains("user") ?? false
  }

  /// The version, and the devices that Provium asks for, separated by spaces. Asked once for each binary.
  private static func facts(of path: String, cache: String) throws -> String {
    let facts = try FileFacts(path)
    let note = CacheNote(
      "\(cache)/qemu-facts-\(path.split(separator: "/").last ?? "qemu")",
      key: "\(path) \(facts.size) \(facts.modifiedNanoseconds)"
    )
    if let known = note.value { return known }
    let output: String
    do { output = try ToolRun.run(path, ["--version"], deadline: .after(.seconds(10))).outputText } catch {
      throw Failure.unusable(path: path, reason: "\(error)")
    }
    guard let version = version(in: output) else {
      let said = output.split(separator: "\n").first ?? ""
      throw Failure.unusable(path: path, reason: "it is no QEMU: --version says '\(said.prefix(80))'")
    }
    let devices = try? ToolRun.run(path, ["-device", "help"], deadline: .after(.seconds(10))).outputText
    let known =
      devices?.contains("\"\(ShareWindowDevice.model)\"") == true
      ? "\(version) \(ShareWindowDevice.model)" : version
    note.write(known)
    return known
  }

  /// `7.2.22` of `QEMU emulator version 7.2.22 (Debian 1:7.2+dfsg-7+deb12u18)`; nil for what another program says.
  static func version(in output: String) -> String? {
    let words = output.split(whereSeparator: \.isWhitespace)
    guard words.count > 3, words.prefix(3) == ["QEMU", "emulator", "version"] else { return nil }
    return String(words[3])
  }
}
