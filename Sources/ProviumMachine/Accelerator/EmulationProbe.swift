internal import CLinux
import Glibc
import ProviumSystem

/// Measures what emulation costs on this host: one small loop in an emulated machine without an operating system, and natively.
/// QEMU's start counts on neither side.
package enum EmulationProbe {
  /// Of each side the third fastest counts: the first includes QEMU's translation, any may be disturbed by what else runs here,
  /// and a mark that is read late makes the next pass look short.
  private static let passes = 9
  private static let counts = 2

  /// How many times slower QEMU emulates code than the host runs it, from the cache when this boot of the host has measured it
  /// with this QEMU; nil where no QEMU emulates an x86-64 machine in time.
  package static func slowdown(cache: String) -> Double? {
    guard let qemu = try? QEMUBinary.find(architecture: "x86_64", cache: cache) else { return nil }
    let key = "\(HostFacts.bootID) \(qemu.path) \(qemu.version)"
    let path = "\(cache)/emulation-cost"
    let kept = ((try? Files.readText(path)) ?? "").split(separator: "\n")
    if kept.count == 2, kept[0] == key, let slowdown = Double(kept[1]), slowdown >= 1 { return slowdown }
    guard let slowdown = try? measure(qemu, folder: cache) else { return nil }
    try? Files.replace(path, with: Array("\(key)\n\(slowdown)\n".utf8))
    return slowdown
  }

  /// Measures now: 80 ms.
  /// - Parameter folder: for a file of 64 KiB, gone at the end.
  package static func measure(_ qemu: QEMUBinary, folder: String) throws -> Double {
    let emulated = try emulatedPass(qemu, folder: folder)
    let native = (0..<passes).map { _ in clinux_emulation_host_pass() }.sorted()[counts]
    return max(1, (emulated.inSeconds * 1e9 / Double(max(native, 1)) * 10).rounded() / 10)
  }

  private static func emulatedPass(_ qemu: QEMUBinary, folder: String) throws -> Duration {
    try Files.createDirectories(folder)
    let firmware = "\(folder)/emulation-probe-\(getpid())"
    var image = [UInt8](repeating: 0, count: Int(CLINUX_EMULATION_FIRMWARE_SIZE))
    clinux_emulation_firmware(&image)
    try Files.replace(firmware, with: image)
    defer { unlink(firmware) }
    let marks = try Descriptor.pipe()
    let child = try ChildProcess(
      executable: qemu.path,
      arguments: [
        "-accel", "tcg", "-cpu", "max", "-M", "q35", "-m", "16M", "-nodefaults", "-no-user-config",
        "-display", "none",
        "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny", "-bios", firmware,
        "-chardev", "stdio,id=marks", "-device", "isa-debugcon,iobase=0xe9,chardev=marks",
      ],
      descriptors: [1: marks.write.raw]
    )
    defer { child.terminate() }
    let ours = marks.closingWrite()
    let deadline = Deadline.after(.seconds(10))
    var times: [Duration] = []
    var last: ContinuousClock.Instant?
    for _ in 0...passes {
      guard try Readiness.waitReadable(ours.raw, until: deadline) else {
        throw SystemError("emulate with", qemu.path, Errno(ETIMEDOUT))
      }
      var mark: UInt8 = 0
      guard Glibc.read(ours.raw, &mark, 1) == 1 else {
        throw SystemError("emulate with", qemu.path, Errno(EPIPE))
      }
      let now = ContinuousClock.now
      if let last { times.append(now - last) }
      last = now
    }
    return times.sorted()[counts]
  }
}
