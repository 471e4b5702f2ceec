import Testing

@testable import ProviumArchitecture

@Suite("Architectures") struct ArchitectureTests {
  @Test("every architecture is found by its name and by the machine number of its ELF files") func lookup() {
    for architecture in Architecture.all {
      #expect(Architecture(named: architecture.name) == architecture)
      #expect(Architecture(elfMachine: architecture.elfMachine) == architecture)
    }
    #expect(Architecture(named: "vax") == nil && Architecture(elfMachine: 75) == nil)
  }

  @Test("an unknown architecture is refused by an error that lists the known ones") func unknown() {
    let error = #expect(throws: UnknownArchitecture.self) { try Architecture.required("vax") }
    #expect(error?.description.contains("vax, only x86_64, aarch64, riscv64") == true)
  }

  @Test("aarch64 and riscv64 share the generic system calls and differ where the kernel does") func generic()
  {
    #expect(SyscallName.number("openat", .aarch64) == 56 && SyscallName.number("openat", .riscv64) == 56)
    #expect(SyscallName.number("renameat", .aarch64) == 38 && SyscallName.number("renameat", .riscv64) == nil)
    #expect(SyscallName.number("riscv_hwprobe", .riscv64) == 258)
    #expect(SyscallName.number("riscv_hwprobe", .aarch64) == nil)
    #expect(SyscallName.number("mseal", .riscv64) == 462)
  }
}
