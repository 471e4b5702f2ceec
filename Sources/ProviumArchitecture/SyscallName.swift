/// Names of system calls and their numbers, which differ between architectures.
package enum SyscallName {
  /// nil when that architecture has no such call.
  package static func number(_ name: String, _ architecture: GuestArchitecture) -> UInt32? {
    table(architecture).numbers[name].flatMap { UInt32(exactly: $0) }
  }

  package static func name(_ number: UInt32, _ architecture: GuestArchitecture) -> String? {
    table(architecture).name(Int64(number))
  }

  /// All names, sorted: to find the nearest to one that is not there.
  package static func all(_ architecture: GuestArchitecture) -> [String] {
    table(architecture).numbers.keys.sorted()
  }

  private static let x86 = NameTable(SyscallNumbers.x86_64, SyscallNumbers.recent)
  private static let aarch64 = NameTable(SyscallNumbers.aarch64, SyscallNumbers.recent)
  private static let riscv64 = NameTable(SyscallNumbers.riscv64, SyscallNumbers.recent)

  private static func table(_ architecture: GuestArchitecture) -> NameTable {
    switch architecture {
    case .x86_64: x86
    case .aarch64: aarch64
    case .riscv64: riscv64
    }
  }
}

/// Errors of the kernel; the same numbers on every architecture that is supported.
package enum ErrnoName {
  package static func number(_ name: String) -> Int32? { table.numbers[name].flatMap { Int32(exactly: $0) } }
  package static func name(_ number: Int32) -> String? { table.name(Int64(number)) }
  package static var all: [String: Int64] { table.numbers }
  private static let table = NameTable(SystemNumbers.errno)
}

/// Signals; the same numbers on every architecture that is supported.
package enum SignalName {
  package static func number(_ name: String) -> Int32? { table.numbers[name].flatMap { Int32(exactly: $0) } }
  /// `SIGKILL`; `signal 40` for those without a name.
  package static func name(_ number: Int32) -> String { table.name(Int64(number)) ?? "signal \(number)" }
  private static let table = NameTable(SystemNumbers.signals)
}

/// Constants for raw system calls: `O_*`, `AT_*`, `S_*`, `MAP_*`, ...
package enum SystemConstants {
  package static func value(_ name: String, _ architecture: GuestArchitecture) -> Int64? {
    table(architecture).numbers[name]
  }
  package static func all(_ architecture: GuestArchitecture) -> [String: Int64] {
    table(architecture).numbers
  }

  private static let x86 = NameTable(SystemNumbers.signals, SystemNumbers.common, SystemNumbers.x86_64)
  private static let aarch64 = NameTable(SystemNumbers.signals, SystemNumbers.common, SystemNumbers.aarch64)
  private static let riscv64 = NameTable(SystemNumbers.signals, SystemNumbers.common, SystemNumbers.riscv64)

  private static func table(_ architecture: GuestArchitecture) -> NameTable {
    switch architecture {
    case .x86_64: x86
    case .aarch64: aarch64
    case .riscv64: riscv64
    }
  }
}
