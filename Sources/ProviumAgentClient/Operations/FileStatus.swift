package import ProviumSystem

extension AgentConnection {
  /// Returns the status of a file, as `lstat(2)` does.
  package func stat(_ path: ByteString, until deadline: Deadline) throws -> FileStatus {
    try perform("stat", [.text(path)]) { exchange in
      let message = try Request.text(.stat, try path.checkedPath())
      let what = "stat(\"\(path)\")"
      let status = try exchange.ask(message, .statResult, what: what, until: deadline) { try FileStatus($0) }
      return (status, .word("mode 0\(String(status.mode, radix: 8)), \(status.size) bytes"))
    }
  }
}

/// The status of a file in the guest, as `lstat(2)` gives it; decoded from STAT_RESULT.
package struct FileStatus: Hashable, Sendable {
  /// Type and permissions: `st_mode`.
  package let mode: UInt32
  package let user: UInt32
  package let group: UInt32
  package let links: UInt32
  /// Bytes.
  package let size: UInt64
  package let inode: UInt64
  /// The device number of a device file: `st_rdev`.
  package let device: UInt64
  package let modifiedNanoseconds: Int64

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    mode = try reader.integer()
    user = try reader.integer()
    group = try reader.integer()
    links = try reader.integer()
    size = try reader.integer()
    inode = try reader.integer()
    device = try reader.integer()
    modifiedNanoseconds = try reader.integer()
    try reader.finish()
  }
}
