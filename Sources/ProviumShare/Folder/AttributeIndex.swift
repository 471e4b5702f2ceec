import Glibc
import ProviumSystem

/// Attributes that the files of an unpacked archive have in the guest, and cannot have on the host without root: owners, the bits
/// for another user's rights, and extended attributes. A file that is not in it has the attributes of its file on the host.
struct AttributeIndex: Sendable, Equatable {
  struct Attributes: Sendable, Equatable {
    /// The twelve bits of chmod(2).
    var mode: UInt32
    var user: UInt32
    var group: UInt32
    /// Extended attributes.
    var extended: [[UInt8]: [UInt8]]
  }

  /// By path below the root; the root itself is the empty path.
  var files: [[UInt8]: Attributes] = [:]

  init() {}

  /// One line for each file, with strings of bytes in hex: `PATH MODE USER GROUP [NAME=VALUE…]`.
  var text: String {
    files.sorted { $0.key.lexicographicallyPrecedes($1.key) }.map { path, attributes in
      let extended = attributes.extended.sorted { $0.key.lexicographicallyPrecedes($1.key) }
      let words =
        ["/\(Hex.text(path))", "\(attributes.mode)", "\(attributes.user)", "\(attributes.group)"]
        + extended.map { "\(Hex.text($0.key))=\(Hex.text($0.value))" }
      return words.joined(separator: " ") + "\n"
    }.joined()
  }

  /// Returns nil for a text that `text` did not make.
  init?(_ text: String) {
    for line in text.split(separator: "\n") {
      let words = line.split(separator: " ")
      guard words.count >= 4, words[0].first == "/", let path = Hex.bytes(words[0].dropFirst()),
        let mode = UInt32(words[1]), let user = UInt32(words[2]), let group = UInt32(words[3])
      else { return nil }
      var attributes = Attributes(mode: mode, user: user, group: group, extended: [:])
      for word in words[4...] {
        let parts = word.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, let name = Hex.bytes(parts[0]), let value = Hex.bytes(parts[1]) else {
          return nil
        }
        attributes.extended[name] = value
      }
      files[path] = attributes
    }
  }

  /// The attributes by inode number of the files in `folder`. Files that are gone are left out.
  func byInode(in folder: String) -> [UInt64: Attributes] {
    var result: [UInt64: Attributes] = [:]
    result.reserveCapacity(files.count)
    for (path, attributes) in files {
      var status = stat()
      let full = Array(folder.utf8) + [UInt8(ascii: "/")] + path
      if lstat(PathText.string(of: full).cPath, &status) == 0 { result[UInt64(status.st_ino)] = attributes }
    }
    return result
  }
}
