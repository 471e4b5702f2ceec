import ProviumBoot
import ProviumSystem
import ProviumVM

/// The vmlinux with debug information of a kept VM's kernel.
package struct KernelFiles: Sendable {
  package let vmlinux: String
  /// The kernel's own scripts for gdb, in a build tree that has them (CONFIG_GDB_SCRIPTS).
  package let script: String?

  /// Looks in the build tree that was booted, then in /usr/lib/debug.
  /// - Parameters:
  ///   - named: the user's; nil: it is looked for.
  ///   - information: of the kernel that ran.
  /// - Returns: nil if none is found.
  /// - Throws: `KeptFailureError` for a named one that is another kernel's.
  init?(_ named: String?, of failure: KeptFailure, _ information: KernelInformation?) throws {
    let release = information?.release ?? failure.snapshot.kernelRelease ?? ""
    var candidates: [String] = []
    if let kernel = failure.kernel, kernel.hasPrefix("/") {
      // A build tree, or a file in one: arch/x86/boot/bzImage.
      var folder = Files.isDirectory(kernel) ? kernel : Files.parent(of: kernel)
      for _ in 0..<4 where !folder.isEmpty {
        candidates.append("\(folder)/vmlinux")
        folder = Files.parent(of: folder)
      }
    }
    if !release.isEmpty, !release.contains("/") {
      candidates += [
        "/usr/lib/debug/boot/vmlinux-\(release)", "/usr/lib/debug/lib/modules/\(release)/vmlinux",
      ]
    }
    if let named {
      guard Files.isRegularFile(named) else {
        throw KeptFailureError.notPossible(id: failure.id, reason: "there is no vmlinux at \(named)")
      }
      if let difference = Self.difference(named, information) {
        throw KeptFailureError.notPossible(id: failure.id, reason: difference)
      }
      candidates = [named]
    }
    let found = candidates.first {
      Files.isRegularFile($0) && Self.difference($0, information) == nil
    }
    guard let found else { return nil }
    vmlinux = found
    let script = "\(Files.parent(of: found))/vmlinux-gdb.py"
    self.script = Files.exists(script) ? script : nil
  }

  /// Why the file is not the kernel that ran; nil: it is, or one of them has no build ID.
  private static func difference(_ path: String, _ information: KernelInformation?) -> String? {
    guard let ran = information?.buildID else { return nil }
    guard let own = BuildID.read(path) else {
      return "\(path) has no build ID, so it may be another kernel's"
    }
    return own == ran
      ? nil : "\(path) is another kernel: its build ID is \(own), that of the guest's kernel \(ran)"
  }
}

/// The build ID of an ELF file: the note `NT_GNU_BUILD_ID`.
enum BuildID {
  private static let longest: UInt64 = 1 << 20

  /// Returns hexadecimal digits; nil: the file has none, or is no ELF64 file.
  static func read(_ path: String) -> String? {
    guard let head = try? Files.readHead(path, 64), head.starts(with: [0x7f, 0x45, 0x4c, 0x46, 2]),
      let table: UInt64 = head.integer(at: 40), let entrySize: UInt16 = head.integer(at: 58),
      let count: UInt16 = head.integer(at: 60), entrySize >= 64,
      let sections = try? Files.read(path, from: table, count: Int(entrySize) * Int(count))
    else { return nil }
    for index in 0..<Int(count) {
      let entry = index * Int(entrySize)
      // SHT_NOTE
      guard sections.integer(at: entry + 4, as: UInt32.self) == 7,
        let offset: UInt64 = sections.integer(at: entry + 24),
        let size: UInt64 = sections.integer(at: entry + 32),
        size <= longest, let notes = try? Files.read(path, from: offset, count: Int(size))
      else { continue }
      var place = 0
      while let nameSize: UInt32 = notes.integer(at: place),
        let length: UInt32 = notes.integer(at: place + 4),
        let type: UInt32 = notes.integer(at: place + 8)
      {
        let dataAt = place + 12 + Int(nameSize + 3) / 4 * 4
        guard dataAt + Int(length) <= notes.count else { break }
        if type == 3, notes[(place + 12)...].starts(with: Array("GNU\0".utf8)) {
          return Hex.text(Array(notes[dataAt..<dataAt + Int(length)]))
        }
        place = dataAt + Int(length + 3) / 4 * 4
      }
    }
    return nil
  }
}
