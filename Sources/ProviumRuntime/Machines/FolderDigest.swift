import ProviumAgentClient
import ProviumBoot
import ProviumSystem

/// A digest of everything that a VM gets of a folder of the host: names, types, permissions, times and contents.
enum FolderDigest {
  /// SHA-256 in hex.
  static func hex(of folder: String, digests: DigestCache) throws -> String {
    var text: [UInt8] = []
    for entry in try HostEntry.all(in: folder) {
      let contents: [UInt8] =
        switch entry.type {
        case .directory: [UInt8](ascii: "/")
        case .symlink(let target): [UInt8](ascii: ">") + target.bytes
        case .file: Array(try digests.digest(entry.path).utf8)
        }
      // No name and no link contains a NUL, so that no two folders give the same bytes.
      text += entry.name.bytes + [0] + contents + [0]
      text += Array("\(entry.mode) \(entry.modifiedNanoseconds)".utf8) + [0]
    }
    return SHA256.hex(text)
  }
}

extension [UInt8] {
  fileprivate init(ascii text: String) { self = Array(text.utf8) }
}
