extension Architecture {
  /// 64-bit ARM guests: QEMU's virt machine.
  public static let aarch64 = Architecture(
    name: "aarch64",
    debianName: "arm64",
    qemuPackage: "qemu-system-arm",
    qemuMachine: "virt",
    // `max` alone emulates pointer authentication in full, which costs a factor of five.
    emulatedProcessor: "max,pauth-impdef=on",
    console: "ttyAMA0",
    elfMachine: 183,
    kernelFormats: [.arm64],
    buildTreeImages: ["arch/arm64/boot/Image", "arch/arm64/boot/Image.gz"],
    hasGenerationID: false,
    memoryStart: 0x4000_0000,
    syscalls: { syscallTable },
    constants: { constantTable }
  )

  private static let syscallTable = NameTable(SyscallNumbers.generic, "renameat 38", SyscallNumbers.recent)
  private static let constantTable = NameTable(
    SystemNumbers.signals,
    SystemNumbers.common,
    """
    PROT_BTI 16
    PROT_MTE 32
    O_DIRECTORY 16384
    O_NOFOLLOW 32768
    O_DIRECT 65536
    O_LARGEFILE 131072
    O_TMPFILE 4210688
    """
  )
}
