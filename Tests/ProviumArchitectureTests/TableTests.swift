import Testing

@testable import ProviumArchitecture

@Suite("Tables of the kernel's interface") struct TableTests {
  @Test(
    "know system calls by architecture",
    arguments: [
      ("read", 0, 63, 63), ("openat", 257, 56, 56), ("clone3", 435, 435, 435),
      ("io_uring_setup", 425, 425, 425),
      ("mseal", 462, 462, 462), ("bpf", 321, 280, 280), ("fstat", 5, 80, 80), ("getrandom", 318, 278, 278),
      ("newfstatat", 262, 79, 79), ("exit_group", 231, 94, 94),
    ] as [(String, UInt32, UInt32, UInt32)]
  )
  func syscalls(_ name: String, _ x86: UInt32, _ arm: UInt32, _ riscv: UInt32) {
    #expect(SyscallName.number(name, .x86_64) == x86)
    #expect(SyscallName.number(name, .aarch64) == arm)
    #expect(SyscallName.number(name, .riscv64) == riscv)
    #expect(SyscallName.name(arm, .aarch64) == name)
  }

  @Test("know what an architecture lacks") func missing() {
    #expect(SyscallName.number("open", .aarch64) == nil)
    #expect(SyscallName.number("renameat", .riscv64) == nil)
    #expect(SyscallName.number("opneat", .x86_64) == nil)
    #expect(SyscallName.all(.x86_64).count > 360)
  }

  @Test("know errors and signals both ways") func errnos() {
    #expect(ErrnoName.number("ENOENT") == 2 && ErrnoName.name(2) == "ENOENT")
    #expect(ErrnoName.number("EWOULDBLOCK") == 11 && ErrnoName.name(11) == "EAGAIN")
    #expect(ErrnoName.number("EOPNOTSUPP") == 95 && ErrnoName.number("ENOTSUPP") == 524)
    #expect(
      SignalName.number("SIGSEGV") == 11 && SignalName.name(9) == "SIGKILL"
        && SignalName.name(40) == "signal 40"
    )
  }

  @Test("know constants, and where architectures differ") func constants() {
    #expect(SystemConstants.value("O_DIRECTORY", .x86_64) == 0o200000)
    #expect(SystemConstants.value("O_DIRECTORY", .aarch64) == 0o40000)
    #expect(SystemConstants.value("O_DIRECTORY", .riscv64) == 0o200000)
    #expect(SystemConstants.value("AT_FDCWD", .x86_64) == -100)
    let everywhere: [(String, Int64)] = [
      ("O_CREAT", 0o100), ("O_CLOEXEC", 0o2000000), ("SEEK_END", 2), ("PROT_EXEC", 4),
      ("MAP_ANONYMOUS", 0x20),
      ("CLONE_NEWUSER", 0x1000_0000), ("AF_UNIX", 1), ("AF_VSOCK", 40), ("SOCK_DGRAM", 2), ("SOL_SOCKET", 1),
      ("S_IFREG", 0o100000), ("MS_RDONLY", 1), ("EPOLLIN", 1), ("RLIMIT_NOFILE", 7), ("SIGKILL", 9),
      ("R_OK", 4),
      ("MFD_CLOEXEC", 1), ("PR_SET_NAME", 15), ("CLOCK_MONOTONIC", 1), ("WNOHANG", 1), ("F_GETFD", 1),
      ("SIG_BLOCK", 0), ("MSG_DONTWAIT", 0x40), ("SO_REUSEADDR", 2), ("EPOLL_CTL_ADD", 1), ("POLLIN", 1),
    ]
    for (name, value) in everywhere {
      for architecture in Architecture.all {
        #expect(SystemConstants.value(name, architecture) == value, "\(name)")
      }
    }
  }

  @Test("make ioctl numbers as the kernel's macros do") func ioctls() {
    #expect(IoctlCommand.IOR(0x12, 114, 8) == 0x8008_1272)
    #expect(IoctlCommand.IOW(0x66, 2, 8) == 0x4008_6602)
    #expect(IoctlCommand.IOWR(0x58, 119, 4) == 0xC004_5877)
    #expect(IoctlCommand.IO(0x12, 96) == 0x1260)
    #expect(IoctlCommand.IOR(1, 1, 1 << 14) == nil)
    #expect(IoctlCommand.size(0x8008_1272) == 8 && IoctlCommand.isRead(0x8008_1272))
    #expect(IoctlCommand.size(0x541B) == 0 && !IoctlCommand.isRead(0x541B))
  }
}
