import Testing

@testable import ProviumVM

@Suite("QEMU's program") struct QEMUBinaryTests {
  @Test("is named by a variable of its own for each other architecture than the host's") func variables() {
    #expect(QEMUBinary.variable(for: .x86_64, host: "x86_64") == "PROVIUM_QEMU")
    #expect(QEMUBinary.variable(for: .aarch64, host: "x86_64") == "PROVIUM_QEMU_AARCH64")
    #expect(QEMUBinary.variable(for: .x86_64, host: "aarch64") == "PROVIUM_QEMU_X86_64")
  }
}
