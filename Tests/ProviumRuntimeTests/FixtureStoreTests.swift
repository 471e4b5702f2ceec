import Glibc
import ProviumSystem
import Testing

@testable import ProviumVM
@testable import ProviumRuntime

/// A store in a folder of its own, with fixtures that were never VMs.
private final class Shelf {
  let path = "/tmp/provium-store-\(getpid())-\(UInt32.random(in: 0 ... .max))"
  let store: FixtureStore

  init(maximum: UInt64 = .max) { store = FixtureStore(cache: path, maximum: maximum) }
  deinit { try? Files.removeTree(path) }

  func place(_ name: String) -> String {
    store.place(of: Fixture(source: "/tests/fixtures/\(name).lua"))
  }

  @discardableResult
  func build(_ name: String, bytes: Int = 4096) throws -> FixtureManifest {
    let lock = try store.lock(place(name), until: .after(.seconds(1)))
    _ = lock
    let work = try store.workplace(for: place(name))
    try Files.write([UInt8](repeating: 7, count: bytes), to: "\(work)/memory")
    try Files.write(Array("devices".utf8), to: "\(work)/state")
    let conditions = SnapshotConditions(
      qemu: "7.2",
      accelerator: "tcg",
      channel: "serial",
      architecture: .x86_64,
      processor: "emulated",
      arguments: "digest"
    )
    let snapshot = Snapshot(
      folder: work,
      name: name,
      isStream: false,
      conditions: conditions,
      configuration: MachineConfiguration(memory: .mebibytes(128)),
      diskFiles: [:],
      kernelRelease: nil
    )
    let manifest = FixtureManifest(
      name: name,
      source: "/tests/fixtures/\(name).lua",
      root: "/tests",
      buildID: FixtureManifest.newBuildID(),
      inputs: [],
      files: [],
      snapshot: snapshot,
      profile: "default",
      project: "",
      builtAt: 1.25,
      buildDuration: 0.1
    )
    let published = try store.publish(manifest, from: work, to: place(name))
    store.makeRoom(keeping: place(name))
    // File systems keep times in ticks of some milliseconds: two uses must differ.
    usleep(20_000)
    return published
  }

  /// The state of the fixture in words.
  func verdict(_ name: String) -> String {
    switch store.kept(at: place(name)) {
    case .nothing: "nothing"
    case .fixture(let manifest): manifest.damage ?? "whole"
    case .unusable(let reason, let isDamage): "\(isDamage ? "damaged" : "unusable"): \(reason)"
    }
  }
}

extension FixtureManifest {
  /// The first damaged file, in words; nil: all files have the contents that were published.
  fileprivate var damage: String? {
    files.lazy.compactMap { file in
      if case .damaged(let reason) = file.verdict(in: snapshot.folder) { reason } else { nil }
    }.first
  }
  /// The files that were copied since they were published.
  fileprivate var copies: [String] {
    files.filter { if case .copied = $0.verdict(in: snapshot.folder) { true } else { false } }.map(\.name)
  }
}

@Suite("The store of fixtures") struct FixtureStoreTests {
  @Test("a published fixture is read back as it was") func published() throws {
    let shelf = Shelf()
    let manifest = try shelf.build("base")
    #expect(shelf.verdict("base") == "whole")
    let kept = try #require(shelf.store.manifest(at: shelf.place("base")))
    #expect(
      kept.snapshot == manifest.snapshot && kept.buildID == manifest.buildID && kept.files == manifest.files
    )
  }

  @Test(
    "every kind of damage is detected and named",
    arguments: [
      ("truncate -s 100 BUILD/memory", "memory has 100 bytes instead of 4096"),
      ("truncate -s 0 BUILD/state", "state has 0 bytes instead of 7"),
      ("printf X | dd of=BUILD/memory bs=1 seek=99 conv=notrunc", "memory was altered"),
      // The same size and modification time: only the change time differs, which no program can set.
      (
        "touch -r BUILD/state then; printf DEVICES | dd of=BUILD/state conv=notrunc; touch -r then BUILD/state; rm then",
        "state was altered"
      ),
      (
        "cp -p BUILD/memory copy; printf X | dd of=copy bs=1 seek=4095 conv=notrunc; mv copy BUILD/memory",
        "memory was altered"
      ),
      ("rm BUILD/memory", "memory is missing"), ("rm -r BUILD", "memory is missing"),
      ("rm BUILD/*", "memory is missing"), ("rm manifest.json", "damaged: manifest.json is missing"),
      ("rm -r *", "damaged: manifest.json is missing"),
      (
        "truncate -s 99 manifest.json",
        "damaged: manifest.json cannot be read: it is damaged, or another build of Provium wrote it"
      ),
      (
        "echo '{}' > manifest.json",
        "damaged: manifest.json cannot be read: it is damaged, or another build of Provium wrote it"
      ),
      (
        "sed -i 's/\"cpus\" : 1/\"cpus\" : 2/' manifest.json",
        "damaged: manifest.json cannot be read: it is damaged, or another build of Provium wrote it"
      ),
      (
        "sed -i 's/\"qemu\" : \"7.2\"/\"qemu\" : \"9.0\"/' manifest.json",
        "damaged: manifest.json cannot be read: it is damaged, or another build of Provium wrote it"
      ),
      (
        "echo '{\"format\": 1}' > manifest.json",
        "unusable: another version of Provium kept it (format 1 instead of \(FixtureManifest.format))"
      ),
    ]
  )
  func damage(command: String, verdict: String) throws {
    let shelf = Shelf()
    let manifest = try shelf.build("base")
    let build = manifest.snapshot.folder.split(separator: "/").last.map(String.init) ?? ""
    _ = try ToolRun.run(
      "bash",
      ["-ec", command.split(separator: "BUILD", omittingEmptySubsequences: false).joined(separator: build)],
      directory: shelf.place("base"),
      deadline: .after(.seconds(10))
    )
    #expect(shelf.verdict("base") == verdict)
    // A build repairs each of them.
    try shelf.build("base")
    #expect(shelf.verdict("base") == "whole")
  }

  @Test("the rest of a killed build is not used, and is removed by the next build of any fixture")
  func killedBuild() throws {
    let shelf = Shelf()
    let left = try shelf.store.workplace(for: shelf.place("killed"))
    try Files.write([1, 2, 3], to: "\(left)/memory-1")
    #expect(shelf.verdict("killed") == "nothing")
    try shelf.build("other")
    #expect(!Files.exists(shelf.place("killed")))
  }

  @Test("a build in progress is not removed") func goingOn() throws {
    let shelf = Shelf()
    let lock = try shelf.store.lock(shelf.place("slow"), until: .after(.seconds(1)))
    let work = try shelf.store.workplace(for: shelf.place("slow"))
    try shelf.build("other")
    #expect(Files.isDirectory(work))
    #expect(try !shelf.store.remove(shelf.place("slow")))
    _ = lock
  }

  @Test("a wait names the process that holds the fixture, and ends when it is cancelled") func waiting()
    throws
  {
    let shelf = Shelf()
    let lock = try shelf.store.lock(shelf.place("base"), until: .after(.seconds(1)))
    _ = lock
    var holder = ""
    #expect(throws: FixtureError.self) {
      _ = try shelf.store.lock(
        shelf.place("base"),
        until: .never,
        waiting: { holder = $0 },
        isCancelled: { true }
      )
    }
    #expect(holder == "process \(getpid())")
  }

  @Test("a cycle of builds in several processes is an error, a long wait is not") func cycle() throws {
    let shelf = Shelf()
    let (a, b, c) = (shelf.place("a"), shelf.place("b"), shelf.place("c"))
    let mine = try shelf.store.lock(a, until: .after(.seconds(1)))
    let second = try shelf.store.lock(b, until: .after(.seconds(1)))
    let third = try shelf.store.lock(c, until: .after(.seconds(1)))
    _ = mine
    _ = second
    _ = third
    // b waits for c, and c does not wait: its builder may take its time.
    shelf.store.note(b, waitsFor: c)
    var looks = 0
    #expect(throws: FixtureError.self) {
      _ = try shelf.store.lock(
        b,
        until: .never,
        holding: [a],
        isCancelled: {
          looks += 1
          return looks > 5
        }
      )
    }
    // Now c waits for a, which this process builds.
    shelf.store.note(c, waitsFor: a)
    var chain: [String] = []
    do { _ = try shelf.store.lock(b, until: .never, holding: [shelf.place("outer"), a]) } catch let error {
      if case .circular(let found)? = error as? FixtureError { chain = found }
    }
    #expect(chain == ["a", "b", "c", "a"])
    // This process has noted that it does not wait any more.
    #expect(try Files.readText("\(a).lock") == "process \(getpid())")
  }

  @Test("the least recently used fixture is removed above the maximum") func eviction() throws {
    let shelf = Shelf(maximum: 100 << 10)
    try shelf.build("first", bytes: 32 << 10)
    try shelf.build("second", bytes: 32 << 10)
    shelf.store.touch(shelf.place("first"))
    usleep(20_000)
    try shelf.build("third", bytes: 32 << 10)
    #expect(shelf.verdict("second") == "nothing")
    #expect(shelf.verdict("first") == "whole" && shelf.verdict("third") == "whole")
  }

  @Test(
    "fetched kernels leave the cache with the fixtures, the least recently used first; added and recent ones stay"
  )
  func kernels() throws {
    let shelf = Shelf(maximum: 100 << 10)
    func kernel(_ name: String, hours: Int) throws -> String {
      let folder = "\(shelf.path)/kernels/library/x86_64/\(name.replacing(":", with: "-"))"
      try Files.createDirectories("\(folder)/tree")
      try Files.write([UInt8](repeating: 1, count: 64 << 10), to: "\(folder)/tree/vmlinuz")
      try Files.write(Array("\(name)\n6.1.0\n".utf8), to: "\(folder)/kernel")
      let then = timeval(tv_sec: time(nil) - hours * 3600, tv_usec: 0)
      utimes("\(folder)/kernel", [then, then])
      return folder
    }
    let oldest = try kernel("deb:6.1.0-1", hours: 9), old = try kernel("deb:6.1.0-2", hours: 5)
    let recent = try kernel("deb:6.1.0-3", hours: 0), added = try kernel("local:mine", hours: 99)
    try shelf.build("mine", bytes: 8 << 10)
    #expect(!Files.exists(oldest) && !Files.exists(old))
    #expect(Files.exists(recent) && Files.exists(added) && shelf.verdict("mine") == "whole")
  }

  @Test("the least recently used roots leave with fixtures; one that a VM has or that was used lately stays")
  func roots() throws {
    let shelf = Shelf(maximum: 100 << 10)
    let outside = "\(shelf.path)/outside"
    try Files.createDirectories(outside)
    try Files.write([UInt8](repeating: 1, count: 1 << 20), to: "\(outside)/large")
    func root(_ letter: String, hours: Int, ending: String = "") throws -> String {
      let place = "\(shelf.path)/roots/\(String(repeating: letter, count: 32))\(ending)"
      try Files.createDirectories("\(place)/tree/etc")
      try Files.write([UInt8](repeating: 1, count: 64 << 10), to: "\(place)/tree/etc/file")
      // Its room is not counted: it is no file of the root.
      symlink(outside, "\(place)/tree/link")
      try Files.write([], to: "\(place)/attributes")
      let then = timeval(tv_sec: time(nil) - hours * 3600, tv_usec: 0)
      utimes(place, [then, then])
      return place
    }
    let held = try root("a", hours: 99), oldest = try root("b", hours: 9)
    let recent = try root("c", hours: 0), killed = try root("d", hours: 9, ending: ".new")
    let hold = RootHold(of: held)
    #expect(hold != nil)
    #expect(KeptRoot.all(in: shelf.path).allSatisfy { (64 << 10..<100 << 10).contains($0.size) })
    try shelf.build("mine", bytes: 8 << 10)
    #expect(!Files.exists(oldest) && !Files.exists(killed))
    #expect(Files.exists(held) && Files.exists(recent) && Files.exists("\(outside)/large"))
    #expect(shelf.verdict("mine") == "whole")
    #expect(RootHold(of: oldest) == nil)
    withExtendedLifetime(hold) {}
    let old = try root("e", hours: 2)
    let roots = Dictionary(uniqueKeysWithValues: KeptRoot.all(in: shelf.path).map { ($0.place, $0) })
    let used = try #require(roots[old])
    // Used after it was looked at.
    utimes(old, nil)
    #expect(try !used.remove(unlessUsedAfter: Int64(time(nil) - 3600) * 1_000_000_000))
    #expect(Files.exists("\(old)/tree/etc/file"))
  }

  @Test("the size of a root is kept beside it, and is no use of the root") func sizeOfRoot() throws {
    let shelf = Shelf()
    let place = "\(shelf.path)/roots/\(String(repeating: "a", count: 32))"
    try Files.createDirectories("\(place)/tree")
    try Files.write([], to: "\(place)/attributes")
    let then = timeval(tv_sec: 1_000_000_000, tv_usec: 0)
    utimes(place, [then, then])
    let first = KeptRoot.all(in: shelf.path)
    #expect(first.map(\.lastUse) == [1_000_000_000_000_000_000])
    try Files.write([UInt8](repeating: 1, count: 64 << 10), to: "\(place)/tree/file")
    #expect(KeptRoot.all(in: shelf.path).map(\.size) == first.map(\.size))
  }

  @Test("unused fixtures are removed while the disk has too little room") func room() throws {
    let shelf = Shelf()
    let used = try shelf.build("used")
    let hold = FixtureHold(of: used)
    #expect(hold != nil)
    for name in ["idle", "mine"] { try shelf.build(name) }
    #expect(!shelf.store.makeRoom(free: 0, keeping: shelf.place("mine")))
    #expect(shelf.verdict("idle") == "whole")
    #expect(shelf.store.makeRoom(free: .max, keeping: shelf.place("mine")))
    #expect(shelf.verdict("idle") == "nothing")
    #expect(shelf.verdict("used") == "whole" && shelf.verdict("mine") == "whole")
    withExtendedLifetime(hold) {}
  }

  @Test("the fixture that was just built is kept, however large it is") func tooLarge() throws {
    let shelf = Shelf(maximum: 1)
    try shelf.build("large", bytes: 1 << 20)
    #expect(shelf.verdict("large") == "whole")
  }

  @Test("a held build is never removed: not for room, not by a removal, not by a newer build")
  func inUse() throws {
    let shelf = Shelf(maximum: 1)
    let manifest = try shelf.build("used")
    var hold = FixtureHold(of: manifest)
    #expect(hold != nil)
    try shelf.build("other")
    #expect(shelf.verdict("used") == "whole")
    #expect(try !shelf.store.remove(shelf.place("used")))
    #expect(shelf.verdict("used") == "whole")
    let newer = try shelf.build("used")
    #expect(newer.snapshot.folder != manifest.snapshot.folder)
    #expect(manifest.damage == nil)
    hold = nil
    try shelf.build("used")
    #expect(!Files.exists(manifest.snapshot.folder))
    try shelf.build("other")
    #expect(shelf.verdict("used") == "nothing")
  }

  @Test("a build that does not exist cannot be held") func gone() throws {
    let shelf = Shelf()
    let manifest = try shelf.build("base")
    #expect(try shelf.store.remove(shelf.place("base")))
    #expect(FixtureHold(of: manifest) == nil)
  }

  @Test("a cache that was moved is used from its new place") func moved() throws {
    let shelf = Shelf()
    try shelf.build("base")
    let there = "\(shelf.path)-moved"
    try Files.rename(shelf.path, to: there)
    defer { try? Files.removeTree(there) }
    let store = FixtureStore(cache: there, maximum: .max)
    let place = store.place(of: Fixture(source: "/tests/fixtures/base.lua"))
    #expect(store.manifest(at: place)?.damage == nil)
    #expect(store.manifest(at: place)?.snapshot.folder.hasPrefix(there) == true)
  }

  @Test(
    "a copied cache is whole, and a file that was damaged in the copy is not",
    arguments: [
      "cp -r FROM TO", "cp -a FROM TO", "cp -r --sparse=always FROM TO", "cp -r --sparse=never FROM TO",
      "mkdir TO; tar -C FROM -cf - . | tar -C TO -xf -",
    ]
  )
  func copied(command: String) throws {
    let shelf = Shelf()
    // With holes, as a VM's memory has them.
    try shelf.build("base", bytes: 0)
    let folder = try #require(shelf.store.manifest(at: shelf.place("base"))?.snapshot.folder)
    _ = try ToolRun.run(
      "bash",
      ["-ec", "truncate -s 9M memory; printf data | dd of=memory bs=1 seek=5000000 conv=notrunc"],
      directory: folder,
      deadline: .after(.seconds(10))
    )
    var manifest = try #require(shelf.store.manifest(at: shelf.place("base")))
    manifest.files = try Files.list(folder).map { try BuildFile($0, in: folder) }
    try shelf.store.update(manifest, at: shelf.place("base"))

    let there = "\(shelf.path)-copy"
    defer { try? Files.removeTree(there) }
    let line = command.replacing("FROM", with: shelf.path).replacing("TO", with: there)
    _ = try ToolRun.run("bash", ["-ec", line], deadline: .after(.seconds(10)))
    let store = FixtureStore(cache: there, maximum: .max)
    let place = store.place(of: Fixture(source: "/tests/fixtures/base.lua"))
    let copy = try #require(store.manifest(at: place))
    #expect(copy.damage == nil)
    #expect(copy.copies.sorted() == ["memory", "state"])
    // One changed byte, in a hole.
    _ = try ToolRun.run(
      "bash",
      ["-ec", "printf X | dd of=memory bs=1 seek=1000000 conv=notrunc"],
      directory: copy.snapshot.folder,
      deadline: .after(.seconds(10))
    )
    #expect(copy.damage == "memory was altered")
  }

  @Test("a name with a folder is kept in one flat folder") func names() throws {
    let shelf = Shelf()
    try shelf.build("net/base")
    #expect(shelf.verdict("net/base") == "whole")
    #expect(shelf.store.places().count == 1)
  }

  @Test("a script's name may be as long as a file name may be") func longName() throws {
    let shelf = Shelf()
    let name = String(repeating: "n", count: 251)
    try shelf.build(name)
    #expect(shelf.verdict(name) == "whole")
  }

  @Test("a file in the place of a fixture's folder is replaced by a build") func fileInPlace() throws {
    let shelf = Shelf()
    try Files.createDirectories(shelf.store.folder)
    try Files.write([1], to: shelf.place("base"))
    #expect(shelf.verdict("base") == "damaged: a file is in the place of its folder")
    try shelf.build("base")
    #expect(shelf.verdict("base") == "whole")
  }

  @Test(
    "one script has one name, whatever path it was found by",
    arguments: [
      ("/tests/fixtures/base.lua", "base"), ("/tests/fixtures/./base.lua", "base"),
      ("/tests/fixtures/../fixtures/base.lua", "base"), ("/tests/fixtures/net/base.lua", "net/base"),
      ("/tests/net/fixtures/base.lua", "base"), ("/elsewhere/base.lua", "base"),
    ]
  )
  func oneName(path: String, name: String) {
    let fixture = Fixture(source: path)
    #expect(fixture.name == name)
    #expect(Fixture(source: fixture.source) == fixture)
  }
}
