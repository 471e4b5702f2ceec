/// The file systems whose files are made by the host's kernel, by their numbers in include/uapi/linux/magic.h. A guest has its own;
/// their folders appear empty. So does autofs: to look into it could mount something on the host.
enum KernelFileSystem {
  private static let names: [UInt64: String] = [
    0x9FA0: "proc", 0x6265_6572: "sysfs", 0x27E0EB: "cgroup", 0x6367_7270: "cgroup2", 0x1CD1: "devpts",
    0x6462_6720: "debugfs", 0x7472_6163: "tracefs", 0x7363_6673: "securityfs", 0xF97C_FF8C: "selinuxfs",
    0xCAFE_4A11: "bpf", 0x6165_676C: "pstore", 0xDE5E_81E4: "efivarfs", 0x6265_6570: "configfs",
    0x6E73_6673: "nsfs", 0x1980_0202: "mqueue", 0x4249_4E4D: "binfmt_misc", 0x187: "autofs",
    0x6573_5543: "fusectl",
  ]

  /// The name of a kernel file system; nil for a file system with files of users.
  static func name(_ type: UInt64) -> String? { names[type] }
}
