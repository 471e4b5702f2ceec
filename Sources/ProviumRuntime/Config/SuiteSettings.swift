/// A `[suite.NAME]` table: tests that come with a kernel.
package struct SuiteSettings: Sendable, Hashable {
  package enum Kind: String, Sendable, CaseIterable {
    /// An install tree of the kernel's selftests.
    case kselftest
    /// KUnit suites that are built into the kernel.
    case kunit
  }

  /// Which programs share a VM.
  package enum Isolation: String, Sendable, CaseIterable {
    /// Each program has a fresh VM.
    case program
    /// The programs of a collection run in one VM, one after the other.
    case collection
    /// All programs run in one VM, one after the other.
    case none
  }

  package var name: String
  package var kind: Kind
  /// The absolute path of the install tree; empty for KUnit.
  package var path: String
  /// Collections (`timers`) and programs (`net:tls`), or patterns of KUnit suites. Empty: all.
  package var selected: [String] = []
  /// Patterns of programs that are left out, as fnmatch(3) reads them: `net:tcp_mmap*`.
  package var skipped: [String] = []
  package var isolation = Isolation.program
  /// The fixture from which the VMs start; nil: a boot of `profile`.
  package var fixture: String?
  package var profile = Profile.builtIn.name
  /// Bytes of the VMs' memory; nil: the default, and more for a large tree.
  package var memory: UInt64?
  /// The time limit of each program; nil: that of its collection. For KUnit: of a boot.
  package var timeout: Duration?
  /// Programs also run where the kernel lacks options that their collection asks for.
  package var ignoresKernelOptions = false

  package init(name: String, kind: Kind, path: String = "") {
    self.name = name
    self.kind = kind
    self.path = path
  }
}
