/// The type of a file, by the names that scripts see.
package enum FileType: String, Sendable, CaseIterable {
  case file, directory, symlink, block, character, fifo, socket, unknown

  /// - Parameter mode: `st_mode`; its highest four bits are the type (inode(7)).
  init(mode: UInt32) { self.init(number: mode >> 12 & 0xF) }

  /// - Parameter number: `DT_*` of readdir(3), which is the type in `st_mode` shifted right by 12.
  init(number: UInt32) {
    switch number {
    case 1: self = .fifo
    case 2: self = .character
    case 4: self = .directory
    case 6: self = .block
    case 8: self = .file
    case 10: self = .symlink
    case 12: self = .socket
    default: self = .unknown
    }
  }
}

extension FileStatus {
  package var type: FileType { FileType(mode: mode) }
}

extension DirectoryEntry {
  /// nil where the file system does not tell the type (DT_UNKNOWN).
  package var fileType: FileType? { type == 0 ? nil : FileType(number: UInt32(type)) }
}
