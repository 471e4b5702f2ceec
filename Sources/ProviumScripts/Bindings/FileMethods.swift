import ProviumAgentClient
import ProviumLua
import ProviumRuntime
import ProviumSystem

/// The methods of VMs and workers for files, besides reading and writing their contents.
enum FileMethods {
  static func all<Object: GuestObject>(_: Object.Type) -> [(String, LuaObjectType<Object>.Method)] {
    [
      ("stat", stat), ("exists", exists), ("list", list), ("glob", glob), ("mkdir", makeDirectory),
      ("remove", remove), ("rename", rename), ("chmod", changeMode), ("symlink", makeLink),
      ("readlink", readLink), ("push", push), ("pull", pull), ("tail", tail),
    ]
  }

  private static func stat<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let path = ByteString(try call.bytes(1, "path"))
    let status = try object.perform("stat \(path)") { try $0.stat(path, until: $1) }
    return [
      [
        "type": .text(status.type.rawValue), "mode": .integer(Int64(status.mode & 0o7777)),
        "uid": .integer(Int64(status.user)), "gid": .integer(Int64(status.group)),
        "links": .integer(Int64(status.links)), "size": .integer(Int64(bitPattern: status.size)),
        "inode": .integer(Int64(bitPattern: status.inode)),
        "device": .integer(Int64(bitPattern: status.device)),
        "mtime": .number(Double(status.modifiedNanoseconds) / 1e9),
        "mtime_ns": .integer(status.modifiedNanoseconds),
      ]
    ]
  }

  private static func exists<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let path = ByteString(try call.bytes(1, "path"))
    return [.boolean(try object.perform("exists \(path)") { try $0.exists(path, until: $1) })]
  }

  private static func list<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let path = ByteString(try call.bytes(1, "path"))
    let entries = try object.perform("list \(path)") { try $0.list(path, until: $1) }
    return [.list(entries.map(\.name).sorted().map { .string($0.bytes) })]
  }

  private static func glob<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let pattern = ByteString(try call.bytes(1, "pattern"))
    let paths = try object.perform("glob \(pattern)") { try $0.glob(pattern, until: $1) }
    return [.list(paths.map { .string($0.bytes) })]
  }

  private static func makeDirectory<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws
    -> [LuaValue]
  {
    try call.expect(atMost: 2)
    let path = ByteString(try call.bytes(1, "path"))
    let options = try call.options(2, known: ["mode", "parents"])
    let mode = try options["mode"]?.integer(in: 0...0o7777).magnitude ?? 0o755
    let withParents = try options["parents"]?.boolean() ?? false
    try object.perform("mkdir \(path)") {
      if withParents {
        try $0.makeDirectories(path, mode: UInt32(mode), until: $1)
      } else {
        try $0.makeDirectory(path, mode: UInt32(mode), until: $1)
      }
    }
    return []
  }

  private static func remove<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let path = ByteString(try call.bytes(1, "path"))
    let isRecursive = try call.options(2, known: ["recursive"])["recursive"]?.boolean() ?? false
    try object.perform("remove \(path)") {
      try isRecursive ? $0.removeTree(path, until: $1) : $0.remove(path, until: $1)
    }
    return []
  }

  private static func rename<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let path = ByteString(try call.bytes(1, "path"))
    let target = ByteString(try call.bytes(2, "target"))
    try object.perform("rename \(path)") { try $0.rename(path, to: target, until: $1) }
    return []
  }

  private static func changeMode<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws
    -> [LuaValue]
  {
    try call.expect(atMost: 2)
    let path = ByteString(try call.bytes(1, "path"))
    let mode = try call.argument(2, "mode").integer(in: 0...0o7777)
    try object.perform("chmod \(path)") { try $0.changeMode(of: path, to: UInt32(mode), until: $1) }
    return []
  }

  private static func makeLink<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let target = ByteString(try call.bytes(1, "target"))
    let path = ByteString(try call.bytes(2, "path"))
    try object.perform("symlink \(path)") { try $0.makeSymbolicLink(target, at: path, until: $1) }
    return []
  }

  /// `vm:tail(path)`: a guest file that is read as it grows.
  private static func tail<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let path = ByteString(try call.bytes(1, "path"))
    let tail = FileTail(path, of: object.machine, worker: object.startingWorker)
    return [try object.context.types.value(TailObject(tail, object.context))]
  }

  /// `vm:push(folder, path [, opts])`
  private static func push<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 3)
    let folder = Files.resolve(
      try call.argument(1, "folder").path(),
      against: object.context.configuration.root
    )
    let path = ByteString(try call.bytes(2, "path"))
    let timeout = try call.options(3, known: ["timeout"])["timeout"]?.duration() ?? .zero
    guard Files.isDirectory(folder) else {
      throw call.argument(1, "folder").refused("is no folder of the host: \(folder)")
    }
    try object.machine.notePush(of: folder)
    try object.perform("push \(folder)", allowance: timeout) { try $0.push(folder, to: path, until: $1) }
    return []
  }

  /// `vm:pull(path, folder [, opts])`: the list of files that were left out.
  private static func pull<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 3)
    let path = ByteString(try call.bytes(1, "path"))
    let folder = Files.resolve(
      try call.argument(2, "folder").path(),
      against: object.context.configuration.root
    )
    let timeout = try call.options(3, known: ["timeout"])["timeout"]?.duration() ?? .zero
    let skipped = try object.perform("pull \(path)", allowance: timeout) {
      try $0.pull(path, into: folder, until: $1)
    }
    return [.list(skipped.sorted().map { .string($0.bytes) })]
  }

  private static func readLink<Object: GuestObject>(_ object: Object, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let path = ByteString(try call.bytes(1, "path"))
    return [
      .string(try object.perform("readlink \(path)") { try $0.readSymbolicLink(path, until: $1) }.bytes)
    ]
  }
}
