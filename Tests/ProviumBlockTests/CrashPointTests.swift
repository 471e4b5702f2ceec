import ProviumBlock
import ProviumSystem
import Testing

@Suite("Crash points")
struct CrashPointTests {
  /// A log of two epochs: two writes, a flush, a mark, three writes.
  private func record() throws -> (DiskOrigin, [LogEntry]) {
    let disk = try BlockDisk(testing: 1 << 20)
    disk.write(block(9), at: 0)
    let origin = try disk.beginRecording()
    disk.write(block(1), at: 0)
    disk.write(block(2), at: 4096)
    disk.flush()
    disk.mark("first")
    disk.write(block(3), at: 0)
    disk.write(block(4), at: 4096)
    disk.write(block(5, 512), at: 8192)
    let log = try #require(disk.endRecording())
    #expect(!log.isCut)
    return (origin, log.entries)
  }

  private func contents(_ point: CrashPoint, _ origin: DiskOrigin, _ log: [LogEntry]) throws -> [UInt8] {
    let disk = try BlockDisk(testing: 1 << 20)
    disk.replaceContents(by: try origin.layers(with: point.changes(of: log), folder: "/tmp"))
    // The first byte of each of the three blocks.
    return try [0, 4096, 8192].map { try disk.read(at: $0, count: 1)[0] }
  }

  @Test("every durable state, every prefix, and reorderings are found, equal states once")
  func states() throws {
    let (origin, log) = try record()
    var options = CrashPointSearch.Options()
    options.isTorn = false
    let search = CrashPointSearch(log, sectorSize: 512, options: options)
    let points = try search.distinctPoints(of: log, from: origin, folder: "/tmp")
    let states = try points.map { try contents($0, origin, log) }
    #expect(Set(states).count == states.count, "each state is there once")
    let expected: Set<[UInt8]> = [
      [9, 0, 0], [1, 0, 0], [1, 2, 0], [9, 2, 0],
      [3, 2, 0], [3, 4, 0], [3, 4, 5], [1, 4, 5], [3, 2, 5], [1, 4, 0], [1, 2, 5],
    ]
    #expect(Set(states) == expected)
  }

  @Test("every crash point is found again by its identifier")
  func identifiers() throws {
    let (_, log) = try record()
    for point in CrashPointSearch(log, sectorSize: 512, options: CrashPointSearch.Options()).points() {
      let read = try #require(CrashPoint(identifier: point.identifier), "\(point.identifier)")
      #expect(read.length == point.length && read.missing == point.missing && read.tornAt == point.tornAt)
      #expect(read.fits(log), "\(point.identifier)")
    }
    #expect(CrashPoint(identifier: "41-3,5..9")?.missing == [3, 5, 6, 7, 8, 9])
    for wrong in [
      "", "x", "-1", "1-", "5-9", "9-5..3", "9-3,3", "9-1.2", "9t", "9t0", "9t1-2", "99999999999999999999",
    ] {
      #expect(CrashPoint(identifier: wrong) == nil, "\(wrong)")
    }
    #expect(CrashPoint(identifier: "99")?.fits(log) == false)
    #expect(CrashPoint(identifier: "6-0")?.fits(log) == false, "a request before the last flush")
  }

  @Test("a loss is reduced to its halves and to all but one")
  func reductions() throws {
    let point = try #require(CrashPoint(identifier: "9-3..4,6"))
    #expect(point.reductions.map(\.missing) == [[3], [4, 6], [4, 6], [3, 6], [3, 4]])
    #expect(try #require(CrashPoint(identifier: "9-3")).reductions.isEmpty)
  }

  @Test("of equal states the one with the most marks is kept")
  func marks() throws {
    let (origin, log) = try record()
    var options = CrashPointSearch.Options()
    options.isTorn = false
    let search = CrashPointSearch(log, sectorSize: 512, options: options)
    let points = try search.distinctPoints(of: log, from: origin, folder: "/tmp")
    let durable = try points.filter { try contents($0, origin, log) == [1, 2, 0] }
    #expect(durable.map { $0.marks(of: log) } == [["first"]])
  }

  @Test("a torn state has whole sectors of the last write")
  func torn() throws {
    let (origin, log) = try record()
    let points = CrashPointSearch(log, sectorSize: 512, options: .init()).points().filter { $0.kind == .torn }
    #expect(points.count == 4)
    for point in points {
      let cut = try #require(point.tornAt)
      #expect(cut % 512 == 0 && cut > 0 && cut < 4096)
      #expect(point.changes(of: log).last?.count == cut)
    }
    _ = origin
  }

  @Test("the limit keeps every durable state first, and the seed decides about the rest")
  func limit() throws {
    let disk = try BlockDisk(testing: 1 << 20)
    _ = try disk.beginRecording()
    for index in 0..<100 {
      for part in 0..<4 { disk.write(block(UInt8(index)), at: (index * 4 + part) % 256 * 4096) }
      disk.flush()
    }
    let log = try #require(disk.endRecording()).entries
    var options = CrashPointSearch.Options()
    options.limit = 150
    let points = CrashPointSearch(log, sectorSize: 512, options: options).points()
    #expect(points.count == 150)
    #expect(points.count { $0.kind == .durable } == 101)
    for kind in CrashPoint.Kind.allCases { #expect(points.contains { $0.kind == kind }) }
    #expect(points == CrashPointSearch(log, sectorSize: 512, options: options).points())
    options.seed = 2
    #expect(points != CrashPointSearch(log, sectorSize: 512, options: options).points())
  }

  @Test("a durable write is in every later state")
  func durableWrites() throws {
    let disk = try BlockDisk(testing: 1 << 20)
    let origin = try disk.beginRecording()
    disk.write(block(1), at: 0, isDurable: true)
    disk.write(block(2), at: 4096)
    disk.write(block(3), at: 8192)
    let log = try #require(disk.endRecording()).entries
    for point in CrashPointSearch(log, sectorSize: 512, options: .init()).points() where point.length > 0 {
      #expect(try contents(point, origin, log)[0] == 1)
    }
  }

  @Test("a log that is larger than its limit says so")
  func logLimit() throws {
    let disk = try BlockDisk(testing: 1 << 20) { $0.logLimit = 8192 }
    _ = try disk.beginRecording()
    for index in 0..<3 { disk.write(block(1), at: index * 4096) }
    #expect(disk.endRecording()?.isCut == true)
    #expect(throws: PowerCut.TooManyChanges.self) { try disk.cutPower(survival: 0.5, seed: 1) }
    #expect(try disk.cutPower().lost == 3)
    #expect(try disk.read(at: 0, count: 12288) == block(0, 12288))
  }

  @Test("a log in the format of dm-log-writes reads as it was written")
  func logWrites() throws {
    let (_, log) = try record()
    let bytes = LogWritesFormat.encode(log)
    #expect(try LogWritesFormat.decode(bytes) == log)
    #expect(bytes.count % 512 == 0)
    // Magic, version, entries, sector size: as in drivers/md/dm-log-writes.c.
    #expect(bytes.prefix(8) == [0x72, 0x68, 0x73, 0x77, 0x66, 0x73, 0x6a, 0])
    #expect(bytes[8..<28] == [1, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0])
    // The first entry: sector 0, 8 sectors, no flags, 4096 bytes.
    var first = block(0, 32)
    first[8] = 8
    first[25] = 0x10
    #expect(Array(bytes[512..<544]) == first)
    for length in [0, 511, 512, 1024, bytes.count - 512] {
      #expect(throws: LogWritesFormat.Malformed.self) {
        try LogWritesFormat.decode(Array(bytes.prefix(length)))
      }
    }
  }
}
