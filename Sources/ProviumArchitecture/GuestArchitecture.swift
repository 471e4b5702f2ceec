/// A guest's processor, as far as system call numbers and constants depend on it.
package enum GuestArchitecture: String, Sendable, CaseIterable {
  case x86_64, aarch64, riscv64

  /// - Parameter machine: ELF `e_machine`.
  package init?(machine: UInt16) {
    switch machine {
    case 62: self = .x86_64
    case 183: self = .aarch64
    case 243: self = .riscv64
    default: return nil
    }
  }
}
