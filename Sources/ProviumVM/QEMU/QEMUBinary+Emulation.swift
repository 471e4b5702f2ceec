import ProviumSystem

extension QEMUBinary {
  /// QEMU is installed but cannot start an emulated VM.
  package struct CannotEmulate: Error, Sendable, CustomStringConvertible {
    package let description: String
  }

  /// Starts a VM without a guest and ends it: shows that QEMU has its firmware files. Takes a quarter of a second.
  /// - Throws: `CannotEmulate`.
  package func checkEmulation() throws {
    let arguments = [
      "-accel", "tcg", "-cpu", architecture.emulatedProcessor, "-machine", architecture.qemuMachine,
      "-m", "16M", "-nodefaults", "-no-user-config", "-display", "none", "-S", "-monitor", "stdio",
    ]
    do {
      _ = try ToolRun.run(path, arguments, input: Array("quit\n".utf8), deadline: .after(.seconds(30)))
    } catch {
      throw CannotEmulate(description: "\(path) cannot start an emulated VM: \(error)")
    }
  }
}
