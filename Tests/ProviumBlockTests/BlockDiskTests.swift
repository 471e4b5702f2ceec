import ProviumBlock
import ProviumSystem
import Testing

@Suite("A disk that Provium provides")
struct BlockDiskTests {
  @Test("reads zeroes where nothing was written")
  func zeroes() throws {
    let disk = try BlockDisk(testing: 1 << 20)
    #expect(try disk.read(at: 0, count: 1 << 20) == block(0, 1 << 20))
  }

  @Test("keeps a write that covers parts of blocks")
  func partialBlocks() throws {
    let disk = try BlockDisk(testing: 1 << 20)
    disk.write(block(7, 16384), at: 0)
    disk.flush()
    disk.write(block(9, 1024), at: 3584)
    #expect(try disk.read(at: 3072, count: 2048) == block(7, 512) + block(9, 1024) + block(7, 512))
    #expect(try disk.read(at: 3072, count: 2048, from: .durable) == block(7, 2048))
  }

  @Test("loses at a power cut what no flush has made durable, and nothing else")
  func powerCut() throws {
    let disk = try BlockDisk(testing: 1 << 20)
    disk.write(block(1), at: 0)
    disk.flush()
    disk.write(block(2), at: 0)
    disk.write(block(3), at: 8192)
    disk.write(block(4), at: 16384, isDurable: true)
    disk.zero(4096, 4096, .trim)
    let cut = try disk.cutPower()
    #expect(cut == PowerCut(lost: 3, kept: 0, torn: 0))
    #expect(disk.perform(DiskRequest(.flush)) == nil)
    disk.restorePower()
    #expect(try disk.read(at: 0, count: 20480) == block(1) + block(0, 12288) + block(4))
  }

  @Test("a durable write is durable although an older write of the same block is not")
  func durableOverUnflushed() throws {
    let disk = try BlockDisk(testing: 1 << 20)
    disk.write(block(1), at: 0)
    disk.write(block(2, 512), at: 512, isDurable: true)
    #expect(try disk.read(at: 0, count: 1536) == block(1, 512) + block(2, 512) + block(1, 512))
    try disk.cutPower()
    #expect(try disk.read(at: 0, count: 1536) == block(0, 512) + block(2, 512) + block(0, 512))
  }

  @Test("a disk without a volatile cache loses nothing at a power cut")
  func noCache() throws {
    let disk = try BlockDisk(testing: 1 << 20) { $0.hasVolatileCache = false }
    disk.write(block(5), at: 4096)
    #expect(try disk.cutPower() == PowerCut())
    #expect(try disk.read(at: 4096, count: 4096) == block(5))
  }

  @Test("a seed decides which writes survive a power cut", arguments: [1, 2, 3] as [UInt64])
  func survival(seed: UInt64) throws {
    func survivors() throws -> [UInt8] {
      let disk = try BlockDisk(testing: 1 << 20)
      for index in 0..<64 { disk.write(block(UInt8(index + 1)), at: index * 4096) }
      let cut = try disk.cutPower(survival: 0.5, seed: seed)
      #expect(cut.lost + cut.kept == 64)
      #expect((10...54).contains(cut.kept))
      return try disk.read(at: 0, count: 64 * 4096)
    }
    #expect(try survivors() == survivors())
  }

  @Test("an unflushed write that a later one replaced survives a power cut where the later one does not")
  func survivalOfReplaced() throws {
    var found: Set<[UInt8]> = []
    for seed in 0..<32 as Range<UInt64> {
      let disk = try BlockDisk(testing: 1 << 20)
      disk.write(block(1, 8192), at: 0)
      disk.write(block(2, 1024), at: 3584)
      let cut = try disk.cutPower(survival: 0.5, seed: seed)
      #expect(cut.kept + cut.lost == 2)
      found.insert(try disk.read(at: 0, count: 8192))
    }
    let first = block(1, 8192)
    let second = block(0, 3584) + block(2, 1024) + block(0, 3584)
    let both = block(1, 3584) + block(2, 1024) + block(1, 3584)
    #expect(found == [block(0, 8192), first, second, both])
  }

  @Test(
    "a saved disk remembers unflushed changes of the same block one by one",
    arguments: 0..<8 as Range<UInt64>
  )
  func savingChanges(seed: UInt64) throws {
    try withFolder { folder in
      let properties = BlockDisk.Properties(size: 1 << 20)
      let disk = try BlockDisk(properties, folder: folder)
      disk.write(block(1, 8192), at: 512)
      disk.write(block(2, 1536), at: 1024)
      disk.write(block(3), at: 4096, isDurable: true)
      disk.zero(6144, 4096, .trim)
      disk.write(block(4, 512), at: 512)
      try disk.save(to: folder, name: "d")
      let opened = try BlockDisk(properties, saved: "\(folder)/d", folder: folder)
      #expect(try opened.read(at: 0, count: 16384) == disk.read(at: 0, count: 16384))
      #expect(try opened.cutPower(survival: 0.5, seed: seed) == disk.cutPower(survival: 0.5, seed: seed))
      #expect(try opened.read(at: 0, count: 16384) == disk.read(at: 0, count: 16384))
    }
  }

  @Test("once its log is full a disk replaces unflushed data in place")
  func fullLog() throws {
    let disk = try BlockDisk(testing: 1 << 20) {
      $0.logLimit = 16384
      $0.overlayLimit = 32768
    }
    for round in 1...20 as ClosedRange<UInt8> {
      disk.write(block(round, 8192), at: 4096)
      disk.zero(4096, 4096, .trim)
      #expect(disk.write(block(round, 16384), at: 0) == nil)
    }
    #expect(try disk.read(at: 0, count: 16384) == block(20, 16384))
    #expect(throws: PowerCut.TooManyChanges.self) { try disk.cutPower(survival: 0.5, seed: 1) }
    disk.flush()
    #expect(try disk.read(at: 0, count: 16384, from: .durable) == block(20, 16384))
    // The log begins anew.
    disk.write(block(21), at: 0)
    #expect(try disk.cutPower(survival: 1, seed: 1).kept == 1)
  }

  @Test("a write that survives a power cut may be torn at a sector, when a test asks for it")
  func tornWrites() throws {
    let disk = try BlockDisk(testing: 1 << 20)
    disk.changePolicy { $0.tearsWrites = true }
    for index in 0..<64 { disk.write(block(1), at: index * 4096) }
    let cut = try disk.cutPower(survival: 1, seed: 1)
    #expect(cut.kept == 64)
    #expect((10...54).contains(cut.torn))
    var torn = 0
    for index in 0..<64 {
      let ones = try disk.read(at: index * 4096, count: 4096).prefix { $0 == 1 }.count
      #expect(ones % 512 == 0 && ones > 0)
      torn += ones < 4096 ? 1 : 0
    }
    #expect(torn == cut.torn)
  }

  @Test("what survives a power cut never undoes a durable write")
  func survivalUnderDurable() throws {
    let disk = try BlockDisk(testing: 1 << 20)
    disk.write(block(1), at: 0)
    disk.write(block(2), at: 0, isDurable: true)
    try disk.cutPower(survival: 1, seed: 1)
    #expect(try disk.read(at: 0, count: 4096) == block(2))
  }

  @Test("an overlay that is full fails the write and is a problem that the test sees")
  func overlayLimit() throws {
    let disk = try BlockDisk(testing: 1 << 20) { $0.overlayLimit = 8 * 4096 }
    for index in 0..<8 { #expect(disk.write(block(1), at: index * 4096) == nil) }
    #expect(disk.problem == nil)
    #expect(disk.write(block(1), at: 8 * 4096)?.name == "ENOSPC")
    #expect(disk.takeProblem() == .overlayFull(limit: 8 * 4096))
    #expect(disk.problem == nil)
    // Existing contents can be replaced.
    #expect(disk.write(block(2), at: 0) == nil)
    #expect(disk.flush() == nil)
    #expect(try disk.read(at: 0, count: 4096) == block(2))
  }

  @Test("a flush that the host causes makes nothing durable, one of the guest before it does")
  func hostFlush() throws {
    let disk = try BlockDisk(testing: 1 << 20)
    disk.write(block(1), at: 0)
    disk.expectHostFlush()
    disk.flush()
    disk.endHostRequests()
    #expect(try disk.read(at: 0, count: 4096, from: .durable) == block(0))
    disk.expectHostFlush()
    disk.flush()
    disk.flush()
    disk.endHostRequests()
    #expect(try disk.read(at: 0, count: 4096, from: .durable) == block(1))
  }

  @Test("damaged sectors differ in every byte, and only they do")
  func corruption() throws {
    let disk = try BlockDisk(testing: 1 << 20)
    disk.write(block(3, 8192), at: 0)
    try disk.corrupt(sector: 2, count: 3)
    let bytes = try disk.read(at: 0, count: 8192)
    for index in bytes.indices { #expect((bytes[index] == 3) != (1024..<2560).contains(index)) }
  }

  @Test(
    "10,000 random operations with power cuts give what a model gives",
    arguments: [1, 2] as [UInt64],
    [256 << 20, 64 << 10, 0]
  )
  func model(seed: UInt64, logLimit: Int) throws {
    let size = 256 << 10
    var generator = SeededGenerator(seed: seed)
    let disk = try BlockDisk(testing: size) { $0.logLimit = logLimit }
    var model = ModelDisk(size: size)
    for step in 0..<10_000 {
      let first = Int.random(in: 0..<size / 512, using: &generator)
      let count = min(size - first * 512, Int.random(in: 1...40, using: &generator) * 512)
      switch Int.random(in: 0..<100, using: &generator) {
      case 0..<60:
        let isDurable = Int.random(in: 0..<10, using: &generator) == 0
        let bytes = block(UInt8.random(in: 0...255, using: &generator), count)
        #expect(disk.write(bytes, at: first * 512, isDurable: isDurable) == nil)
        model.write(bytes, at: first * 512, isDurable: isDurable)
      case 60..<75:
        disk.zero(first * 512, count, step % 2 == 0 ? .trim : .zero)
        model.write(block(0, count), at: first * 512, isDurable: false)
      case 75..<85:
        disk.flush()
        model.flush()
      case 85:
        try disk.cutPower()
        disk.restorePower()
        model.cut()
      default:
        let bytes = try disk.read(at: first * 512, count: count)
        try #require(bytes == Array(model.visible[first * 512..<first * 512 + count]), "at step \(step)")
      }
    }
    #expect(try disk.read(at: 0, count: size) == model.visible)
    #expect(try disk.read(at: 0, count: size, from: .durable) == model.durable)
  }

  @Test("a saved disk has the same contents, and its cache is still volatile")
  func saving() throws {
    try withFolder { folder in
      let properties = BlockDisk.Properties(size: 1 << 20)
      let disk = try BlockDisk(properties, folder: folder)
      disk.write(block(1, 8192), at: 0)
      disk.flush()
      disk.write(block(2), at: 4096)
      disk.zero(8192, 4096)
      try disk.save(to: folder, name: "d")
      #expect(Set(try Files.list(folder)) == Set(BlockDisk.fileNames("d")))
      let first = try BlockDisk(properties, saved: "\(folder)/d", folder: folder)
      let second = try BlockDisk(properties, saved: "\(folder)/d", folder: folder)
      #expect(try first.read(at: 0, count: 8192) == block(1) + block(2))
      second.write(block(9), at: 0)
      #expect(try first.read(at: 0, count: 8192) == block(1) + block(2), "a sibling's write is not seen")
      #expect(try first.cutPower(survival: 1, seed: 1).kept == 2)
      #expect(try first.read(at: 0, count: 8192) == block(1) + block(2))
      try second.cutPower()
      #expect(try second.read(at: 0, count: 8192) == block(1, 8192))
    }
  }

  @Test("a saved disk whose map is damaged is refused")
  func damagedMap() throws {
    try withFolder { folder in
      let properties = BlockDisk.Properties(size: 1 << 20)
      let disk = try BlockDisk(properties, folder: folder)
      disk.write(block(1), at: 0)
      try disk.save(to: folder, name: "d")
      var map = try Files.read("\(folder)/d.cache.map")
      map[16] = 0xff
      map[23] = 0xff
      try Files.write(map, to: "\(folder)/d.cache.map")
      #expect(throws: (any Error).self) { try BlockDisk(properties, saved: "\(folder)/d", folder: folder) }
    }
  }

  @Test("a disk with an image reads it, and never writes to it")
  func image() throws {
    try withFolder { folder in
      try Files.write(block(6, 5000), to: "\(folder)/image")
      let base = BaseContents.image(try LayerFile(reading: "\(folder)/image"))
      let disk = try BlockDisk(BlockDisk.Properties(size: 16384), base: base, folder: folder)
      #expect(try disk.read(at: 0, count: 16384) == block(6, 5000) + block(0, 11384))
      disk.write(block(1, 512), at: 512)
      disk.flush()
      #expect(try disk.read(at: 0, count: 1536) == block(6, 512) + block(1, 512) + block(6, 512))
      #expect(try Files.read("\(folder)/image") == block(6, 5000))
    }
  }
}
