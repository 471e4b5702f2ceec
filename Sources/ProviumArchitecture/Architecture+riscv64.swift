extension Architecture {
  /// 64-bit RISC-V guests: QEMU's virt machine.
  public static let riscv64 = Architecture(
    name: "riscv64",
    debianName: "riscv64",
    qemuPackage: "qemu-system-misc",
    qemuMachine: "virt",
    emulatedProcessor: "max",
    console: "ttyS0",
    elfMachine: 243,
    kernelFormats: [.riscv],
    buildTreeImages: ["arch/riscv/boot/Image", "arch/riscv/boot/Image.gz"],
    hasGenerationID: false,
    memoryStart: 0x8000_0000,
    syscalls: { syscallTable },
    constants: { constantTable }
  )

  private static let syscallTable = NameTable(
    SyscallNumbers.generic,
    "riscv_hwprobe 258\nriscv_flush_icache 259",
    SyscallNumbers.recent
  )
  private static let constantTable = NameTable(
    SystemNumbers.signals,
    SystemNumbers.common,
    """
    O_DIRECT 16384
    O_LARGEFILE 32768
    O_DIRECTORY 65536
    O_NOFOLLOW 131072
    O_TMPFILE 4259840
    """
  )
}
