extension Architecture {
  /// x86-64 guests: QEMU's Q35 machine.
  public static let x86_64 = Architecture(
    name: "x86_64",
    debianName: "amd64",
    qemuPackage: "qemu-system-x86",
    qemuMachine: "q35",
    // Without the fast string instructions a kernel copies eight bytes at a time instead of one, which is what an emulator
    // makes of `rep movsb`: file transfers take half the time.
    emulatedProcessor: "max,-erms,-fsrm",
    console: "ttyS0",
    elfMachine: 62,
    kernelFormats: [.bzImage, .elf],
    buildTreeImages: ["arch/x86/boot/bzImage"],
    hasGenerationID: true,
    memoryStart: 0,
    syscalls: { syscallTable },
    constants: { constantTable }
  )

  private static let syscallTable = NameTable(SyscallNumbers.x86_64, SyscallNumbers.recent)
  private static let constantTable = NameTable(
    SystemNumbers.signals,
    SystemNumbers.common,
    """
    PR_GET_TSC 25
    MAP_32BIT 64
    O_DIRECT 16384
    O_LARGEFILE 32768
    O_DIRECTORY 65536
    O_NOFOLLOW 131072
    O_TMPFILE 4259840
    SA_RESTORER 67108864
    """
  )
}
