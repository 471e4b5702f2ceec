import ProviumBlock
import ProviumLua
import ProviumRuntime
import ProviumSystem

/// A disk as a script holds it: `vm:disk("data")`. It stays valid when its VM is resumed or reset.
final class DiskObject {
  let vm: VMObject
  let id: String
  var machine: Machine { vm.machine }

  init(_ id: String, of vm: VMObject) {
    self.id = id
    self.vm = vm
  }

  var disk: BlockDisk { get throws { try machine.disk(id) } }
}

/// The methods of a disk.
enum DiskMethods {
  static func makeType() -> LuaObjectType<DiskObject> {
    LuaObjectType<DiskObject>(
      name: "disk",
      methodList: Misuse.translated([
        ("fault", fault), ("slow", slow), ("full", full), ("corrupt", corrupt), ("torn_writes", tornWrites),
        ("read_only", readOnly), ("clear", clear), ("stats", statistics), ("read", read), ("write", write),
        ("mark", mark), ("power_cut", powerCut), ("resize", resize), ("detach", detach), ("attach", attach),
      ]),
      describe: { "disk \($0.id)" }
    )
  }

  // MARK: Faults

  /// `disk:fault{on = "write", sectors = {first, last}, after = n, times = n, errno = "EIO"}`
  private static func fault(_ object: DiskObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let options = try call.options(1, known: ["on", "sectors", "after", "times", "errno"])
    let names = DiskRequest.Operation.allCases.map(\.rawValue) + ["any"]
    let operation = try options["on"]?.string(oneOf: names) ?? "any"
    let errno = try options["errno"]?.string(oneOf: DiskErrno.all.map(\.name)) ?? "EIO"
    let disk = try object.disk
    let rule = FaultRule(
      DiskRequest.Operation(rawValue: operation),
      sectors: try options["sectors"].map { try sectors($0, of: disk) },
      after: Int(try options["after"]?.integer(in: 0...Int64(Int32.max)) ?? 0),
      times: try options["times"].map { Int(try $0.integer(in: 1...Int64(Int32.max))) },
      errno: DiskErrno.named(errno) ?? DiskErrno.all[1]
    )
    disk.changePolicy { $0.add(rule) }
    return []
  }

  /// `{first, last}`: sectors of 512 bytes on the disk.
  private static func sectors(_ argument: LuaArgument, of disk: BlockDisk) throws -> ClosedRange<Int> {
    let list = try argument.list()
    let last = Int64(disk.size / 512 - 1)
    guard list.count == 2 else { throw argument.expected("a list of the first and the last sector") }
    let (first, end) = (try list[0].integer(in: 0...last), try list[1].integer(in: 0...last))
    guard first <= end else { throw argument.refused("ends before it begins") }
    return Int(first)...Int(end)
  }

  /// `disk:slow{latency = "5ms", jitter = "2ms", rate = "10M"}`
  private static func slow(_ object: DiskObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let options = try call.options(1, known: ["latency", "jitter", "rate"])
    let latency = try options["latency"]?.duration() ?? .zero
    let jitter = try options["jitter"]?.duration() ?? .zero
    let rate = try options["rate"]?.size()
    if rate == 0 { throw call.misuse("option 'rate' must be above 0 bytes a second") }
    // A machine whose disk does not answer cannot be saved: QEMU waits for the answers.
    guard latency + jitter <= .seconds(60) else {
      throw call.misuse("latency and jitter together must be at most 60 seconds")
    }
    try object.disk.changePolicy { $0.slow(latency: latency, jitter: jitter, rate: rate) }
    return []
  }

  /// `disk:full{after = "1M"}`
  private static func full(_ object: DiskObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let options = try call.options(1, known: ["after"])
    let room = Int(clamping: try options["after"]?.size() ?? 0)
    try object.disk.changePolicy { $0.fill(after: room) }
    return []
  }

  /// `disk:corrupt(sector, sectors)`
  private static func corrupt(_ object: DiskObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let disk = try object.disk
    let total = Int64(disk.size / 512)
    let sector = try call.argument(1, "sector").integer(in: 0...total - 1)
    let count = try call.optional(2, "sectors")?.integer(in: 1...min(total - sector, 65536)) ?? 1
    try disk.corrupt(sector: Int(sector), count: Int(count))
    return []
  }

  private static func tornWrites(_ object: DiskObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let isOn = try call.optional(1, "on")?.boolean() ?? true
    try object.disk.changePolicy { $0.tearsWrites = isOn }
    return []
  }

  private static func readOnly(_ object: DiskObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let isOn = try call.optional(1, "on")?.boolean() ?? true
    try object.disk.changePolicy { $0.isReadOnly = isOn }
    return []
  }

  private static func clear(_ object: DiskObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    try object.disk.changePolicy { $0.clear() }
    return []
  }

  // MARK: Contents

  private static func statistics(_ object: DiskObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    let disk = try object.disk
    let counts = disk.statistics
    var table = LuaTable()
    for (name, count) in [
      ("reads", counts.reads), ("writes", counts.writes), ("flushes", counts.flushes),
      ("trims", counts.trims),
      ("bytes_read", counts.bytesRead), ("bytes_written", counts.bytesWritten), ("failed", counts.failures),
      ("unflushed", counts.unflushed), ("overlay", counts.overlay), ("size", disk.size),
    ] { table[name] = .integer(Int64(count)) }
    return [.table(table)]
  }

  /// `disk:resize("512M")`
  private static func resize(_ object: DiskObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    try object.machine.resizeDisk(object.id, to: try call.argument(1, "size").size())
    return []
  }

  private static func detach(_ object: DiskObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    try object.machine.detachDisk(object.id)
    return []
  }

  private static func attach(_ object: DiskObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 0)
    try object.machine.attachDisk(object.id)
    return []
  }

  /// The most bytes of one read.
  private static let largestRead: Int64 = 64 << 20

  /// `disk:read(offset, n [, {durable = true}])`
  private static func read(_ object: DiskObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 3)
    let disk = try object.disk
    let size = Int64(disk.size)
    let offset = try call.argument(1, "offset").integer(in: 0...size)
    let count = try call.argument(2, "n").integer(in: 0...min(size - offset, largestRead))
    let options = try call.options(3, known: ["durable"])
    let isDurable = try options["durable"]?.boolean() ?? false
    return [.string(try disk.read(at: Int(offset), count: Int(count), from: isDurable ? .durable : .cache))]
  }

  /// `disk:write(offset, data)`
  private static func write(_ object: DiskObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 2)
    let disk = try object.disk
    let size = Int64(disk.size)
    let offset = try call.argument(1, "offset").integer(in: 0...size)
    let data = try call.memory(2, "data")
    guard Int64(data.count) <= size - offset else {
      throw call.misuse("\(data.count) bytes at \(offset) reach past the end of the disk of \(size) bytes")
    }
    guard offset % 512 == 0, data.count % 512 == 0 else {
      throw call.misuse(
        "offset and data must be whole sectors of 512 bytes, got \(data.count) bytes at \(offset)"
      )
    }
    if !data.isEmpty { try disk.write(at: Int(offset), data) }
    return []
  }

  private static func mark(_ object: DiskObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    try object.disk.mark(try call.string(1, "text"))
    return []
  }

  // MARK: Power

  /// `disk:power_cut{survive = 0.5, seed = 7}`
  private static func powerCut(_ object: DiskObject, _ call: LuaCall) throws -> [LuaValue] {
    try call.expect(atMost: 1)
    let options = try call.options(1, known: ["survive", "seed"])
    let survival = try options["survive"]?.number() ?? 0
    guard (0...1).contains(survival) else {
      throw call.misuse("option 'survive' must be from 0 to 1, got \(survival)")
    }
    let seed = try options["seed"].map { UInt64(bitPattern: try $0.integer()) }
    _ = try object.disk
    let cuts = try object.machine.cutPower(survival: survival, seed: seed)
    let cut = cuts[object.id] ?? PowerCut()
    return [
      [
        "lost": .integer(Int64(cut.lost)), "kept": .integer(Int64(cut.kept)),
        "torn": .integer(Int64(cut.torn)),
      ]
    ]
  }
}
