import Foundation
import ProviumSystem
import Testing

@testable import ProviumMachine

@Suite("What emulation costs") struct EmulationTests {
  private static let isMissing = ToolRun.find("qemu-system-x86_64") == nil

  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = "/tmp/provium-test-emulation-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  @Test(
    "is a measured number of times, and leaves nothing but that",
    .disabled(if: isMissing, "QEMU is not installed")
  )
  func measure() throws {
    try withFolder { folder in
      let qemu = try QEMUBinary.find(architecture: "x86_64", cache: folder)
      let slowdown = try EmulationProbe.measure(qemu, folder: folder)
      // Emulation by translation: never as fast as the host, never slower than an interpreter.
      #expect(slowdown > 1 && slowdown < 200)
      let left = try FileManager.default.contentsOfDirectory(atPath: folder)
      #expect(left.filter { $0.hasPrefix("emulation-probe") } == [])
    }
  }

  @Test(
    "is measured once for a boot of the host and a QEMU",
    .disabled(if: isMissing, "QEMU is not installed")
  )
  func kept() throws {
    try withFolder { folder in
      let first = try #require(EmulationProbe.slowdown(cache: folder))
      let path = "\(folder)/emulation-cost"
      let key = try #require(Files.readText(path).split(separator: "\n").first)
      #expect(key.hasPrefix(HostFacts.bootID))
      try Files.replace(path, with: Array("\(key)\n123.5\n".utf8))
      #expect(EmulationProbe.slowdown(cache: folder) == 123.5)
      try Files.replace(path, with: Array("another boot\n123.5\n".utf8))
      #expect(EmulationProbe.slowdown(cache: folder) != 123.5)
      try Files.replace(path, with: Array("\(key)\nnan\n".utf8))
      #expect(try #require(EmulationProbe.slowdown(cache: folder)) > 1)
      #expect(first > 1)
    }
  }

  @Test("is unknown when the emulator does not run it") func silent() throws {
    try withFolder { folder in
      let broken = QEMUBinary(path: "/bin/true", version: "0", architecture: "x86_64")
      #expect(throws: SystemError.self) { try EmulationProbe.measure(broken, folder: folder) }
    }
  }

  @Test("stretches the half of a time limit that is taken to be guest code") func timeScale() {
    #expect(AcceleratorVerdict(.kvm).timeScale == 1)
    #expect(AcceleratorVerdict(.tcg, slowdown: 9).timeScale == 5)
    #expect(AcceleratorVerdict(.tcg, slowdown: 1).timeScale == 1)
    #expect(AcceleratorVerdict(.tcg).timeScale == 4)
  }
}
