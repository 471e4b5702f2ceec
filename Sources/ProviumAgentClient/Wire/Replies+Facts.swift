/// STAT_RESULT: what `lstat(2)` tells of a path in the guest.
package struct FileFacts: Hashable, Sendable {
  /// Type and permissions, as `st_mode`.
  package let mode: UInt32
  package let user: UInt32
  package let group: UInt32
  package let links: UInt32
  /// Bytes.
  package let size: UInt64
  package let inode: UInt64
  /// The device that a device file stands for.
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

/// An entry of a directory in the guest.
package struct DirectoryEntry: Hashable, Sendable {
  /// `DT_*` of `readdir(3)`.
  package let type: UInt8
  package let name: ByteString

  /// The entries of one piece of a LIST: `type u8, name_len u16, name`, whole ones.
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

/// STATE_RESULT: what an agent has open.
package struct GuestState: Hashable, Sendable {
  package struct Job: Hashable, Sendable {
    package let id: UInt32
    package let pid: Int32
    package let isRunning: Bool
  }
  package struct Worker: Hashable, Sendable {
    package let number: UInt32
    package let pid: Int32
    package let kind: WorkerKind
  }
  /// Other serving processes that are in the middle of a request.
  package let busy: UInt32
  package let jobs: [Job]
  package let workers: [Worker]
  package let descriptors: [Int32]

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    busy = try reader.integer()
    jobs = try reader.list(entrySize: 9) { reader in
      Job(id: try reader.integer(), pid: try reader.integer(), isRunning: try reader.integer(UInt8.self) != 0)
    }
    workers = try reader.list(entrySize: 9) { reader in
      let (number, pid): (UInt32, Int32) = (try reader.integer(), try reader.integer())
      guard let kind = WorkerKind(rawValue: UInt32(try reader.integer(UInt8.self))) else {
        throw MalformedPayload()
      }
      return Worker(number: number, pid: pid, kind: kind)
    }
    descriptors = try reader.list(entrySize: 4) { try $0.integer() }
    try reader.finish()
  }
}
