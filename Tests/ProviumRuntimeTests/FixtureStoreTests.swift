import Glibc
import ProviumSystem
import Testing

@testable import ProviumVM
@testable import ProviumRuntime

/// A store in a folder of its own, with fixtures that no machine ever was.
private final class Shelf {
  let path = "/tmp/provium-store-\(getpid())-\(UInt32.random(in: 0 ... .max))"
  let store: FixtureStore

  init(maximum: UInt64 = .max) { store = FixtureStore(cache: path, maximum: maximum) }
  deinit { try? Files.removeTree(path) }

  func place(_ name: String) -> String {
    store.place(of: LocatedFixture(source: "/tests/fixtures/\(name).lua"))
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
      architecture: "x86_64",
      processor: "emulated",
      arguments: "digest"
    )
    let snapshot = Snapshot(
      folder: work,
      name: name,
      isStream: false,
      conditions: conditions,
      memory: 128 << 20,
      cpus: 1,
      disks: [],
      kernelRelease: nil
    )
    let manifest = FixtureManifest(
      name: name,
      source: "/tests/fixtures/\(name).lua",
      root: "/tests",
      key: SHA256.hex(Array("\(UInt64.random(in: 0 ... .max))".utf8)),
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
    // Times of use are told apart: file systems count them in ticks of some milliseconds.
    usleep(20_000)
    return published
  }

  /// What stands at the fixture's place, in words.
  func verdict(_ name: String) -> String {
    switch store.kept(at: place(name)) {
    case .nothing: "nothing"
    case .fixture(let manifest): manifest.firstAlteration() ?? "whole"
    case .unusable(let reason, let isDamage): "\(isDamage ? "damaged" : "unusable"): \(reason)"
    }
  }
}

@Suite("The store of fixtures") struct FixtureStoreTests {
  @Test("gives back what was published") func published() throws {
    let shelf = Shelf()
    let manifest = try shelf.build("base")
    #expect(shelf.verdict("base") == "whole")
    let kept = try #require(shelf.store.manifest(at: shelf.place("base")))
    #expect(kept.snapshot == manifest.snapshot && kept.key == manifest.key && kept.files == manifest.files)
  }

  @Test(
    "notices every kind of damage, and names it",
    arguments: [
      ("truncate -s 100 BUILD/memory", "memory has 100 bytes instead of 4096"),
      ("truncate -s 0 BUILD/state", "state has 0 bytes instead of 7"),
      ("printf X | dd of=BUILD/memory bs=1 seek=99 conv=notrunc", "memory was altered"),
      // The same size, and the times that it had: only the change time tells, and nobody can set it.
      (
        "touch -r BUILD/state then; printf DEVICES | dd of=BUILD/state conv=notrunc; touch -r then BUILD/state; rm then",
        "state was altered"
      ), ("cp -p BUILD/memory copy; mv copy BUILD/memory", "memory was altered"),
      ("rm BUILD/memory", "memory is missing"), ("rm -r BUILD", "memory is missing"),
      ("rm BUILD/*", "memory is missing"), ("rm manifest.json", "damaged: manifest.json is missing"),
      ("rm -r *", "damaged: manifest.json is missing"),
      (
        "truncate -s 99 manifest.json",
        "damaged: manifest.json cannot be read: it is not what Provium wrote"
      ), ("echo '{}' > manifest.json", "damaged: manifest.json cannot be read: it is not what Provium wrote"),
      (
        "sed -i 's/\"cpus\" : 1/\"cpus\" : 2/' manifest.json",
        "damaged: manifest.json cannot be read: it is not what Provium wrote"
      ),
      (
        "sed -i 's/\"qemu\" : \"7.2\"/\"qemu\" : \"9.0\"/' manifest.json",
        "damaged: manifest.json cannot be read: it is not what Provium wrote"
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
    // Whatever it was, building it again mends it.
    try shelf.build("base")
    #expect(shelf.verdict("base") == "whole")
  }

  @Test("takes what a killed build left for nothing, and clears it away with the next build of any fixture")
  func killedBuild() throws {
    let shelf = Shelf()
    let left = try shelf.store.workplace(for: shelf.place("killed"))
    try Files.write([1, 2, 3], to: "\(left)/memory-1")
    #expect(shelf.verdict("killed") == "nothing")
    try shelf.build("other")
    #expect(!Files.exists(shelf.place("killed")))
  }

  @Test("leaves a build alone that is going on") func goingOn() throws {
    let shelf = Shelf()
    let lock = try shelf.store.lock(shelf.place("slow"), until: .after(.seconds(1)))
    let work = try shelf.store.workplace(for: shelf.place("slow"))
    try shelf.build("other")
    #expect(Files.isDirectory(work))
    #expect(try !shelf.store.remove(shelf.place("slow")))
    _ = lock
  }

  @Test("says who holds a fixture, and ends a wait that is cancelled") func waiting() throws {
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

  @Test("tells a circle of builders in several processes from a long wait, and names it") func circle() throws
  {
    let shelf = Shelf()
    let (a, b, c) = (shelf.place("a"), shelf.place("b"), shelf.place("c"))
    let mine = try shelf.store.lock(a, until: .after(.seconds(1)))
    let second = try shelf.store.lock(b, until: .after(.seconds(1)))
    let third = try shelf.store.lock(c, until: .after(.seconds(1)))
    _ = mine
    _ = second
    _ = third
    // b waits for c, c for nobody: whoever builds it may take its time.
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
    // Now c waits for what we build.
    shelf.store.note(c, waitsFor: a)
    var chain: [String] = []
    do { _ = try shelf.store.lock(b, until: .never, holding: [shelf.place("outer"), a]) } catch let error {
      if case .circular(let found)? = error as? FixtureError { chain = found }
    }
    #expect(chain == ["a", "b", "c", "a"])
    // We wait for nobody any more, and say so.
    #expect(try Files.readText("\(a).lock") == "process \(getpid())")
  }

  @Test("removes the least recently used above its maximum") func eviction() throws {
    let shelf = Shelf(maximum: 100 << 10)
    try shelf.build("first", bytes: 32 << 10)
    try shelf.build("second", bytes: 32 << 10)
    shelf.store.touch(shelf.place("first"))
    usleep(20_000)
    try shelf.build("third", bytes: 32 << 10)
    #expect(shelf.verdict("second") == "nothing")
    #expect(shelf.verdict("first") == "whole" && shelf.verdict("third") == "whole")
  }

  @Test("lets those go that nobody uses while the disk has less room than is wanted") func room() throws {
    let shelf = Shelf()
    let used = try shelf.build("used")
    let use = FixtureUse(of: used)
    #expect(use != nil)
    for name in ["idle", "mine"] { try shelf.build(name) }
    #expect(!shelf.store.makeRoom(free: 0, keeping: shelf.place("mine")))
    #expect(shelf.verdict("idle") == "whole")
    #expect(shelf.store.makeRoom(free: .max, keeping: shelf.place("mine")))
    #expect(shelf.verdict("idle") == "nothing")
    #expect(shelf.verdict("used") == "whole" && shelf.verdict("mine") == "whole")
    withExtendedLifetime(use) {}
  }

  @Test("keeps the one that was just built, however large it is") func tooLarge() throws {
    let shelf = Shelf(maximum: 1)
    try shelf.build("large", bytes: 1 << 20)
    #expect(shelf.verdict("large") == "whole")
  }

  @Test("never removes what is in use: not for room, not when it is asked to, not for a newer build")
  func inUse() throws {
    let shelf = Shelf(maximum: 1)
    let manifest = try shelf.build("used")
    var use = FixtureUse(of: manifest)
    #expect(use != nil)
    try shelf.build("other")
    #expect(shelf.verdict("used") == "whole")
    #expect(try !shelf.store.remove(shelf.place("used")))
    #expect(shelf.verdict("used") == "whole")
    let newer = try shelf.build("used")
    #expect(newer.snapshot.folder != manifest.snapshot.folder)
    #expect(manifest.firstAlteration() == nil)
    use = nil
    try shelf.build("used")
    #expect(!Files.exists(manifest.snapshot.folder))
    try shelf.build("other")
    #expect(shelf.verdict("used") == "nothing")
  }

  @Test("does not hold what is gone") func gone() throws {
    let shelf = Shelf()
    let manifest = try shelf.build("base")
    #expect(try shelf.store.remove(shelf.place("base")))
    #expect(FixtureUse(of: manifest) == nil)
  }

  @Test("works from another place when the whole cache was moved") func moved() throws {
    let shelf = Shelf()
    try shelf.build("base")
    let there = "\(shelf.path)-moved"
    try Files.rename(shelf.path, to: there)
    defer { try? Files.removeTree(there) }
    let store = FixtureStore(cache: there, maximum: .max)
    let place = store.place(of: LocatedFixture(source: "/tests/fixtures/base.lua"))
    #expect(store.manifest(at: place)?.firstAlteration() == nil)
    #expect(store.manifest(at: place)?.snapshot.folder.hasPrefix(there) == true)
  }

  @Test("keeps names that say a folder in one flat folder") func names() throws {
    let shelf = Shelf()
    try shelf.build("net/base")
    #expect(shelf.verdict("net/base") == "whole")
    #expect(shelf.store.places().count == 1)
  }

  @Test("keeps a name that is as long as a file's may be") func longName() throws {
    let shelf = Shelf()
    let name = String(repeating: "n", count: 251)
    try shelf.build(name)
    #expect(shelf.verdict(name) == "whole")
  }

  @Test("builds over a file that stands in a fixture's place") func fileInPlace() throws {
    let shelf = Shelf()
    try Files.createDirectories(shelf.store.folder)
    try Files.write([1], to: shelf.place("base"))
    #expect(shelf.verdict("base") == "damaged: what stands in its place is no folder")
    try shelf.build("base")
    #expect(shelf.verdict("base") == "whole")
  }

  @Test(
    "knows one script by one name, whatever way it was asked for",
    arguments: [
      ("/tests/fixtures/base.lua", "base"), ("/tests/fixtures/./base.lua", "base"),
      ("/tests/fixtures/../fixtures/base.lua", "base"), ("/tests/fixtures/net/base.lua", "net/base"),
      ("/tests/net/fixtures/base.lua", "base"), ("/elsewhere/base.lua", "base"),
    ]
  )
  func oneName(path: String, name: String) {
    let fixture = LocatedFixture(source: path)
    #expect(fixture.name == name)
    #expect(LocatedFixture(source: fixture.source) == fixture)
  }
}
