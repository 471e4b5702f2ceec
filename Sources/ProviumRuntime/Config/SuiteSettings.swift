/// A `[suite.NAME]` table: tests that come with a kernel, or were written for kernels.
package struct SuiteSettings: Sendable, Hashable {
  package enum Kind: String, Sendable, CaseIterable {
    /// An install tree of the kernel's selftests.
    case kselftest
    /// An installation of the Linux Test Project.
    case ltp
    /// A built tree of fstests (xfstests).
    case fstests
    /// KUnit suites of the kernel and of its modules.
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

  /// Which KUnit suites share a VM: `program` and `none` of `Isolation`.
  package enum KUnitIsolation: String, Sendable, CaseIterable {
    /// Each suite has a fresh VM.
    case suite
    /// The suites that are built in run in one boot; each suite of a module has a fresh VM.
    case none

    package var isolation: Isolation {
      switch self {
      case .suite: .program
      case .none: .none
      }
    }
  }

  package var name: String
  package var kind: Kind
  /// The absolute path of the tree; empty for KUnit.
  package var path: String
  /// Collections (`timers`) and programs (`net:tls`), or patterns of KUnit suites. Empty: all.
  package var selected: [String] = []
  /// Groups of fstests (`quick`) whose tests are selected besides.
  package var groups: [String] = []
  /// Patterns of programs that are left out, as fnmatch(3) reads them: `net:tcp_mmap*`.
  package var skipped: [String] = []
  package var isolation = Isolation.program
  /// The fixture from which the VMs start; nil: a boot of `profile`.
  package var fixture: String?
  package var profile = Profile.builtIn.name
  /// Bytes of the VMs' memory; nil: the default, and more for a large tree.
  package var memory: UInt64?
  /// The time limit of each program; nil: that of its collection. For KUnit: of a boot with suites, and of a module's suites.
  package var timeout: Duration?
  /// Programs also run where the kernel lacks options that their collection asks for.
  package var ignoresKernelOptions = false
  /// Environment variables of the programs; settings of fstests (`MKFS_OPTIONS`).
  package var variables: [String: String] = [:]
  /// For fstests: the type of the file system under test.
  package var fileSystem = "ext4"
  /// For fstests: bytes of each of the two disks.
  package var diskSize: UInt64 = 4 << 30

  package static let acceptedDiskSizes = "16M to 1T, in whole MiB"

  /// Whether a disk may have that size in bytes.
  package static func isDiskSize(_ size: UInt64) -> Bool {
    size % (1 << 20) == 0 && (16 << 20...1 << 40).contains(size)
  }

  /// Whether a name can be that of a file system: it becomes part of commands.
  package static func isFileSystem(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) }
  }

  /// Whether a shell takes a name as that of a variable.
  package static func isVariable(_ name: String) -> Bool {
    guard let first = name.utf8.first, !(0x30...0x39).contains(first) else { return false }
    return name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") }
  }

  package init(name: String, kind: Kind, path: String = "") {
    self.name = name
    self.kind = kind
    self.path = path
  }
}
