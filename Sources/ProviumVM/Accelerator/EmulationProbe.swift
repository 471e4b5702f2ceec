internal import CLinux
import Glibc
import ProviumBoot
import ProviumSystem

/// Measures what emulation costs on this host: one small loop in an emulated machine without an operating system, and natively.
/// Both in processor time, in turns: neither QEMU's start nor what else runs here counts.
package enum EmulationProbe {
  /// QEMU emulates nothing, or not in time: why, in words.
  package struct Failure: Error, Sendable, CustomStringConvertible {
    package let description: String
  }

  /// Turns, and the passes of either side in each. The median turn of the emulated side counts, as a mark that is read late
  /// makes one turn long and another short; of the native passes a fast one, as a shared core makes most of them longer.
  private static let turns = 7
  private static let passes = 5

  /// How many times slower QEMU emulates code of an architecture than the host runs its own, from what was measured with this
  /// QEMU; nil where it emulates none in time, or there is no measure for the architecture.
  package static func slowdown(of architecture: String, cache: String) -> Double? {
    guard let qemu = try? QEMUBinary.find(architecture: architecture, cache: cache) else { return nil }
    return try? slowdown(qemu, cache: cache)
  }

  /// - Throws: `Failure`, also one that is remembered.
  package static func slowdown(_ qemu: QEMUBinary, cache: String) throws -> Double {
    var record = EmulationRecord(qemu, cache: cache)
    if record.isDue() {
      do { record.note(try measure(qemu, folder: cache)) } catch { record.note(failure: "\(error)") }
      record.write()
    }
    if let slowdown = record.slowdown { return slowdown }
    throw Failure(description: record.failure ?? "it was not measured")
  }

  /// Measures now: 300 ms.
  /// - Parameter folder: for a file of 64 KiB, gone at the end.
  package static func measure(_ qemu: QEMUBinary, folder: String) throws -> Double {
    try Files.createDirectories(folder)
    let platform = try GuestPlatform.required(qemu.architecture)
    let firmware = "\(folder)/emulation-probe-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    var image = [UInt8](repeating: 0, count: Int(CLINUX_EMULATION_FIRMWARE_SIZE))
    guard clinux_emulation_firmware(platform.name, &image) else {
      throw Failure(description: "there is no measure for \(platform.name)")
    }
    try Files.replace(firmware, with: image)
    let errors = QEMUErrors(path: "\(firmware).stderr")
    defer {
      unlink(firmware)
      unlink(errors.path)
    }
    let errorFile = try Descriptor.open(errors.path, O_WRONLY | O_CREAT | O_TRUNC)
    let marks = try Descriptor.pipe()
    let child = try ChildProcess(
      executable: qemu.path,
      arguments: [
        "-accel", "tcg", "-cpu", platform.emulatedProcessor, "-M", platform.machine, "-m", "16M",
        "-nodefaults", "-no-user-config", "-display", "none",
        "-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny", "-bios", firmware,
        "-chardev", "stdio,id=marks", "-serial", "chardev:marks",
      ],
      descriptors: [1: marks.write.raw, 2: errorFile.raw]
    )
    defer { child.terminate() }
    let passing = EmulatedPasses(child: child, marks: marks.closingWrite(), until: .after(.seconds(10)))
    do {
      return try compare(passing)
    } catch let error as SystemError {
      let said = errors.tail.joined(separator: "; ")
      throw Failure(description: "\(qemu.path) emulates nothing: \(said.isEmpty ? error.errno.name : said)")
    }
  }

  private static func compare(_ passing: borrowing EmulatedPasses) throws -> Double {
    var emulated: [Int64] = [], native: [Int64] = []
    for _ in 0..<turns {
      native += (0..<passes).map { _ in clinux_emulation_host_pass() }
      emulated.append(try passing.time(of: passes) / Int64(passes))
    }
    emulated.sort()
    native.sort()
    let ratio = Double(emulated[emulated.count / 2]) / Double(max(native[native.count / 4], 1))
    return max(1, (ratio * 10).rounded() / 10)
  }
}

/// A QEMU that marks the beginning of each pass.
private struct EmulatedPasses: ~Copyable {
  let child: ChildProcess
  let marks: Descriptor
  let deadline: Deadline

  init(child: ChildProcess, marks: consuming Descriptor, until deadline: Deadline) {
    self.child = child
    self.marks = marks
    self.deadline = deadline
  }

  /// QEMU's processor time of so many passes that begin from now on, in ns.
  func time(of count: Int) throws -> Int64 {
    // What came while nobody looked tells of no moment.
    while try Readiness.waitReadable(marks.raw, until: .after(.zero)) { _ = try read(64) }
    let begin = try mark()
    for _ in 1..<count { _ = try mark() }
    return try mark() - begin
  }

  /// Waits for the next mark, and gives what QEMU has used until then.
  private func mark() throws -> Int64 {
    guard try Readiness.waitReadable(marks.raw, until: deadline) else {
      throw SystemError("wait for", "an emulated machine", Errno(ETIMEDOUT))
    }
    _ = try read(1)
    let used = clinux_process_time(child.pid)
    guard used >= 0 else { throw SystemError("read the time of", "QEMU", Errno(Int32(-used))) }
    return used
  }

  private func read(_ count: Int) throws -> Int {
    var bytes = [UInt8](repeating: 0, count: count)
    let got = Glibc.read(marks.raw, &bytes, bytes.count)
    guard got > 0 else { throw SystemError("read the marks of", "an emulated machine", Errno(EPIPE)) }
    return got
  }
}
