import ProviumShare

/// Makes a root file system of Debian packages. Scripts of the packages are not run: what everything else needs of their work is
/// made here.
struct DebianUserland {
  private let unpacker: RootUnpacker

  /// - Parameter work: see `RootUnpacker.init`.
  init(in work: String) throws(ShareProblem) {
    unpacker = try RootUnpacker(in: work)
    unpacker.leavesOut = ["usr/share/doc", "usr/share/info", "usr/share/locale", "usr/share/man"]
    // A merged /usr (Debian 12 and later). Packages that still have files in /bin get them through the links.
    for name in ["bin", "sbin", "lib", "lib64"] { try unpacker.add(link: "usr/\(name)", at: name) }
  }

  /// Adds the files of a package.
  func add(_ package: String) throws(ShareProblem) { try unpacker.add(package: package) }

  /// Adds what the scripts of the packages would have made, and writes the files.
  func finish() throws(ShareProblem) {
    for (file, master) in [("etc/passwd", "passwd.master"), ("etc/group", "group.master")] {
      guard let contents = unpacker.contents("usr/share/base-passwd/\(master)") else { continue }
      // The master files have `*` as each password, so that no login with a password succeeds.
      try unpacker.add(String(decoding: contents, as: UTF8.self), at: file)
    }
    try unpacker.add("127.0.0.1 localhost\n", at: "etc/hosts")
    try unpacker.add("guest\n", at: "etc/hostname")
    try unpacker.add(link: "../proc/self/mounts", at: "etc/mtab")
    for (link, program) in [("usr/bin/sh", "dash"), ("usr/bin/awk", "mawk"), ("usr/bin/vi", "vim.tiny")] {
      if unpacker.contains("usr/bin/\(program)") { try unpacker.add(link: program, at: link) }
    }
    try unpacker.finish()
  }
}
