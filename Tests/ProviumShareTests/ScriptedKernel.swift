import Glibc
import ProviumShare
import ProviumSystem

/// A guest's kernel for tests: it makes FUSE requests and reads the replies.
final class ScriptedKernel {
  struct Reply {
    /// Positive; 0: none.
    let errno: Int32
    let data: [UInt8]

    func integer<Integer: FixedWidthInteger>(_ type: Integer.Type, at offset: Int) -> Integer {
      data.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: offset, as: type) }
    }
  }
  struct Entry {
    let name: [UInt8]
    let inode: UInt64
    let node: UInt64
    let offset: UInt64
  }

  let server: ShareServer
  let reply = FUSEReply()
  private var unique: UInt64 = 2

  init(
    _ settings: ShareSettings,
    table: NodeTable = NodeTable(),
    watch: FolderWatch? = nil,
    sendsAhead: Bool = false
  ) throws {
    server = try ShareServer(settings, table: table, watch: watch, sendsAhead: sendsAhead)
  }

  /// FUSE_INIT of Linux 6.1.
  func initialize() -> Reply {
    send(
      26,
      0,
      Self.bytes(UInt32(7)) + Self.bytes(UInt32(36)) + Self.bytes(UInt32(1 << 17)) + Self.bytes(UInt32.max)
    )
  }

  static func bytes<Integer: FixedWidthInteger>(_ value: Integer) -> [UInt8] {
    withUnsafeBytes(of: value) { Array($0) }
  }

  func message(_ operation: UInt32, _ node: UInt64, _ body: [UInt8]) -> [UInt8] {
    unique += 2
    return Self.bytes(UInt32(40 + body.count)) + Self.bytes(operation) + Self.bytes(unique) + Self.bytes(node)
      + [UInt8](repeating: 0, count: 16) + body
  }

  /// Sends the bytes of a request, and returns the bytes of the reply; nil for bytes that are no request.
  func exchange(_ message: [UInt8]) -> [UInt8]? {
    message.withUnsafeBytes { bytes in
      guard let request = FUSERequest(bytes) else { return nil }
      server.answer(request, into: reply)
      return Array(reply.bytes)
    }
  }

  func send(_ operation: UInt32, _ node: UInt64, _ body: [UInt8] = []) -> Reply {
    let bytes = exchange(message(operation, node, body)) ?? []
    guard bytes.count >= 16 else { return Reply(errno: -1, data: []) }
    let error = bytes.withUnsafeBytes { $0.loadUnaligned(fromByteOffset: 4, as: Int32.self) }
    return Reply(errno: -error, data: Array(bytes.dropFirst(16)))
  }

  func lookUp(_ name: String, in node: UInt64 = 1) -> Reply { send(1, node, Array(name.utf8) + [0]) }

  /// The node of a path; 0 for one that does not exist.
  func node(_ path: String) -> UInt64 {
    var node: UInt64 = 1
    for name in path.split(separator: "/") {
      let reply = lookUp(String(name), in: node)
      guard reply.errno == 0 else { return 0 }
      node = reply.integer(UInt64.self, at: 0)
    }
    return node
  }

  func attributes(_ node: UInt64) -> Reply { send(3, node, [UInt8](repeating: 0, count: 16)) }

  func read(_ node: UInt64, _ offset: UInt64 = 0, _ size: UInt32 = 1 << 20) -> Reply {
    send(
      15,
      node,
      Self.bytes(UInt64(0)) + Self.bytes(offset) + Self.bytes(size) + [UInt8](repeating: 0, count: 20)
    )
  }

  func text(_ node: UInt64) -> String { String(decoding: read(node).data, as: UTF8.self) }

  func list(_ node: UInt64, from offset: UInt64, size: UInt32, plus: Bool) -> [Entry] {
    let body =
      Self.bytes(UInt64(0)) + Self.bytes(offset) + Self.bytes(size) + [UInt8](repeating: 0, count: 20)
    return entries(send(plus ? 44 : 28, node, body).data, plus: plus)
  }

  /// The entries of the data of a READDIR or READDIRPLUS.
  func entries(_ data: [UInt8], plus: Bool = true) -> [Entry] {
    let reply = Reply(errno: 0, data: data)
    var entries: [Entry] = []
    var at = 0
    while at < data.count {
      let start = at + (plus ? 128 : 0)
      let length = Int(reply.integer(UInt32.self, at: start + 16))
      entries.append(
        Entry(
          name: Array(data[start + 24..<start + 24 + length]),
          inode: reply.integer(UInt64.self, at: start),
          node: plus ? reply.integer(UInt64.self, at: at) : 0,
          offset: reply.integer(UInt64.self, at: start + 8)
        )
      )
      at = start + (24 + length + 7) & ~7
    }
    return entries
  }

  func names(_ data: [UInt8]) -> [[UInt8]] { entries(data).map(\.name) }

  /// All replies to the READDIRPLUS of a folder, and the offsets that they were asked for with.
  func pages(_ node: UInt64) -> [(offset: UInt64, data: [UInt8])] {
    var pages: [(offset: UInt64, data: [UInt8])] = []
    while true {
      let offset = pages.last.map { entries($0.data).last?.offset ?? 0 } ?? 0
      let body =
        Self.bytes(UInt64(0)) + Self.bytes(offset) + Self.bytes(UInt32(4096))
        + [UInt8](repeating: 0, count: 20)
      pages.append((offset, send(44, node, body).data))
      if pages.last?.data.isEmpty == true { return pages }
    }
  }

  // MARK: Answers that are sent ahead

  struct Answer: Equatable {
    let node: UInt64
    let offset: UInt64
    let operation: UInt32
    let data: [UInt8]
  }

  /// The answers of the message that the server makes now; none if it makes none.
  func takeAhead() -> [Answer] {
    guard server.makeAhead(into: reply) else { return [] }
    let message = Reply(errno: 0, data: Array(reply.bytes))
    precondition(message.integer(Int32.self, at: 4) == 1001 && message.integer(UInt64.self, at: 8) == 0)
    precondition(Int(message.integer(UInt32.self, at: 0)) == message.data.count)
    var answers: [Answer] = []
    var at = FUSEReply.headerSize
    while at < message.data.count {
      let length = Int(message.integer(UInt32.self, at: at + 20))
      answers.append(
        Answer(
          node: message.integer(UInt64.self, at: at),
          offset: message.integer(UInt64.self, at: at + 8),
          operation: message.integer(UInt32.self, at: at + 16),
          data: Array(message.data[at + 24..<at + 24 + length])
        )
      )
      at += (24 + length + 7) & ~7
    }
    return answers
  }

  /// All entries of a folder.
  func list(_ node: UInt64, size: UInt32 = 4096, plus: Bool) -> [Entry] {
    var entries: [Entry] = []
    while true {
      let part = list(node, from: entries.last?.offset ?? 0, size: size, plus: plus)
      if part.isEmpty { return entries }
      entries += part
    }
  }
}

/// Calls `body` with a new folder, which is removed afterwards.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  var template = Array("/tmp/provium-share-XXXXXX".utf8CString)
  guard let made = mkdtemp(&template) else { throw Errno(errno) }
  let path = String(cString: made)
  defer { try? Files.removeTree(path) }
  return try body(path)
}

/// Sets the time of modification of a file to one that is not new.
func age(_ path: String, seconds: Int = 1_000_000_000) {
  var times = [timespec(tv_sec: seconds, tv_nsec: 5), timespec(tv_sec: seconds, tv_nsec: 5)]
  utimensat(AT_FDCWD, path, &times, AT_SYMLINK_NOFOLLOW)
}
