import Foundation
import ProviumBoot
import ProviumSystem
import Synchronization
import Testing

@testable import ProviumVM

@Suite("What emulation costs") struct EmulationTests {
  private static let architectures = GuestPlatform.all.map(\.name).filter {
    ToolRun.find("qemu-system-\($0)") != nil
  }
  private static let isMissing = architectures.isEmpty

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = "/tmp/provium-test-emulation-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  @Test(
    "is a measured number of times, whatever else runs here, and leaves nothing but that",
    .disabled(if: isMissing, "QEMU is not installed"),
    arguments: architectures
  )
  func measure(architecture: String) throws {
    try withFolder { folder in
      let qemu = try QEMUBinary.find(architecture: architecture, cache: folder)
      let quiet = try EmulationProbe.measure(qemu, folder: folder)
      // Emulation by translation: never as fast as the host, never slower than an interpreter.
      #expect(quiet > 1.5 && quiet < 60)
      // Every processor has something else to do; processor time does not see that.
      let isDone = Atomic(false)
      let others = try (0..<HostFacts.processors).map { number in
        try DedicatedThread(name: "load \(number)", stackSize: 256 << 10) {
          while !isDone.load(ordering: .relaxed) {}
        }
      }
      let busy = try EmulationProbe.measure(qemu, folder: folder)
      isDone.store(true, ordering: .relaxed)
      for other in others { other.join() }
      #expect(busy / quiet > 0.6 && busy / quiet < 1.7, "\(quiet) when quiet, \(busy) when busy")
      let left = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(left.filter { $0.hasPrefix("emulation-probe") } == [])
    }
  }

  private static let someQEMU = QEMUBinary(path: "/usr/bin/qemu", version: "7.2", architecture: "x86_64")

  @Test("is measured again after an hour, and the median of the last five counts") func median() throws {
    try withFolder { folder in
      try Files.createDirectories(folder)
      var record = EmulationRecord(Self.someQEMU, cache: folder)
      #expect(record.isDue(at: 0) && record.slowdown == nil)
      for (hour, value) in [3.0, 90, 7, 8, 6, 9].enumerated() { record.note(value, at: Double(hour) * 3601) }
      record.write()
      let again = EmulationRecord(Self.someQEMU, cache: folder)
      #expect(again.slowdown == 8)
      #expect(!again.isDue(at: 5 * 3601 + 3599) && again.isDue(at: 6 * 3601))
      let other = QEMUBinary(path: "/usr/bin/qemu", version: "9.0", architecture: "x86_64")
      #expect(EmulationRecord(other, cache: folder).isDue(at: 5 * 3601))
    }
  }

  @Test("of an earlier boot, or damaged, is not believed") func damaged() throws {
    try withFolder { folder in
      try Files.createDirectories(folder)
      let path = "\(folder)/emulation-cost-x86_64"
      let key = "\(HostFacts.bootID) /usr/bin/qemu 7.2"
      for text in [
        "another boot\n1 5\n", "\(key)\n1 nan\n", "\(key)\n1 0.5\n", "\(key)\nx y\n", "\(key)\n1 inf\n", "",
      ] {
        try Files.replace(path, with: Array(text.utf8))
        #expect(EmulationRecord(Self.someQEMU, cache: folder).slowdown == nil, "\(text)")
      }
      try Files.replace(path, with: Array("\(key)\n1 5\n".utf8))
      #expect(EmulationRecord(Self.someQEMU, cache: folder).slowdown == 5)
    }
  }

  @Test("is unknown when the emulator does not run it, which is remembered for a minute") func silent() throws
  {
    try withFolder { folder in
      try Files.createDirectories(folder)
      let script = "\(folder)/qemu"
      try Files.write(
        Array("#!/bin/sh\necho x >> \(folder)/starts\necho 'qemu-system-x86_64: no TCG' >&2\n".utf8),
        to: script,
        mode: 0o755
      )
      let broken = QEMUBinary(path: script, version: "0", architecture: "x86_64")
      for _ in 0..<2 {
        let failure = #expect(throws: EmulationProbe.Failure.self) {
          try EmulationProbe.slowdown(broken, cache: folder)
        }
        #expect(failure?.description == "\(script) emulates nothing: no TCG")
      }
      #expect(try Files.readText("\(folder)/starts") == "x\n")
      var record = EmulationRecord(broken, cache: folder)
      record.note(failure: "two\nlines", at: 100)
      #expect(record.failure == "two; lines" && !record.isDue(at: 159) && record.isDue(at: 161))
    }
  }

  @Test("is unknown for an architecture without a measure") func noMeasure() throws {
    let other = QEMUBinary(path: "/bin/true", version: "0", architecture: "riscv64")
    #expect(throws: (any Error).self) { try EmulationProbe.measure(other, folder: "/tmp") }
  }

  @Test("stretches the half of a time limit that is taken to be guest code") func timeScale() {
    #expect(AcceleratorVerdict(.kvm).timeScale == 1)
    #expect(AcceleratorVerdict(.tcg, slowdown: 9).timeScale == 5)
    #expect(AcceleratorVerdict(.tcg, slowdown: 1).timeScale == 1)
    #expect(AcceleratorVerdict(.tcg).timeScale == 4)
  }
}
