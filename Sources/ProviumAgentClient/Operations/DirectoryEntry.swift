package import ProviumSystem

extension AgentConnection {
  /// Returns the entries of a directory, without `.` and `..`, in the order of the guest's kernel.
  /// - Parameter limit: entries. A longer directory is an error.
  package func list(_ path: ByteString, limit: Int = 1 << 20, until deadline: Deadline) throws
    -> [DirectoryEntry]
  {
    try perform("list", [.text(path)]) { exchange in
      var entries: [DirectoryEntry] = []
      let what = "list(\"\(path)\")"
      let message = try Request.text(.list, try path.checkedPath())
      try exchange.stream(message, what: what, until: deadline) { piece in
        entries += try DirectoryEntry.entries(piece)
        if entries.count > limit { throw GuestError.tooLarge("\(what) gives more than \(limit) entries") }
      }
      return (entries, .word("\(entries.count) entries"))
    }
  }
}

/// An entry of a directory in the guest.
package struct DirectoryEntry: Hashable, Sendable {
  /// The type: `DT_*` of `readdir(3)`.
  package let type: UInt8
  package let name: ByteString

  /// Decodes the entries of one piece of a LIST, each `type u8, name_len u16, name`. A piece contains whole
  /// entries.
  static func entries(_ payload: UnsafeRawBufferPointer) throws -> [DirectoryEntry] {
    var reader = MessageReader(payload)
    var entries: [DirectoryEntry] = []
    while !reader.rest.isEmpty {
      let type: UInt8 = try reader.integer()
      let length: UInt16 = try reader.integer()
      entries.append(DirectoryEntry(type: type, name: ByteString(try reader.array(Int(length)))))
    }
    return entries
  }
}
