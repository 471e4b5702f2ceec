import Testing

@testable import ProviumVM
@testable import ProviumRuntime

private func snapshot(_ name: String) -> Snapshot {
  Snapshot(
    folder: "/\(name)",
    name: name,
    isStream: false,
    conditions: SnapshotConditions(
      qemu: "",
      accelerator: "",
      channel: "",
      architecture: "",
      processor: "",
      arguments: ""
    ),
    memory: 0,
    cpus: 1,
    disks: [],
    kernelRelease: nil
  )
}

/// Shelves whose spares are words: the name of the snapshot.
private final class Bench {
  var shelves = SpareShelves<String>()
  let limit: Int
  var hasRoom = true

  init(limit: Int = 2) { self.limit = limit }

  @discardableResult
  func use(_ name: String) -> String? { shelves.take(snapshot(name)) }

  /// Does what is to be done until nothing is; says what that was.
  func settle() -> [String] {
    var done: [String] = []
    while done.count < 20, let step = shelves.next(limit: limit, hasRoom: hasRoom) {
      switch step {
      case .make(let snapshot):
        done.append("make \(snapshot.name)")
        if !shelves.add(snapshot.name, of: snapshot) { done.append("of no use") }
      case .end(let spare): done.append("end \(spare)")
      }
    }
    return done
  }
}

@Suite("Spares") struct SpareShelvesTests {
  @Test("are made of a snapshot that was asked for, two of one that is asked for again") func wanted() {
    let bench = Bench()
    #expect(bench.settle().isEmpty)
    #expect(bench.use("a") == nil)
    #expect(bench.settle() == ["make a"])
    #expect(bench.use("a") == "a")
    #expect(bench.settle() == ["make a", "make a"])
    #expect(bench.shelves.count == 2)
  }

  @Test("of what was used last come first") func order() {
    let bench = Bench(limit: 8)
    for name in ["a", "b", "c"] { bench.use(name) }
    #expect(bench.settle() == ["make c", "make b", "make a"])
  }

  @Test("of what is used no more give way to those of what is") func reassigned() {
    let bench = Bench()
    bench.use("old")
    bench.use("old")
    #expect(bench.settle() == ["make old", "make old"])
    bench.use("new")
    #expect(bench.settle() == ["end old", "make new"])
    bench.use("newest")
    #expect(bench.settle() == ["end old", "make newest"])
    #expect(bench.use("new") == "new")
  }

  @Test("of two snapshots that take turns stay where they are") func turns() {
    let bench = Bench()
    bench.use("a")
    bench.use("b")
    _ = bench.settle()
    for _ in 0..<5 {
      for name in ["a", "b"] {
        #expect(bench.use(name) == name)
        #expect(bench.settle() == ["make \(name)"])
      }
    }
  }

  @Test("are not made without room; one that is there changes its snapshot all the same") func room() {
    let bench = Bench(limit: 8)
    bench.use("a")
    #expect(bench.settle() == ["make a"])
    bench.hasRoom = false
    bench.use("b")
    #expect(bench.settle() == ["end a"])
    bench.hasRoom = true
    #expect(bench.settle() == ["make b", "make a"])
  }

  @Test("are neither made nor ended where there are to be none") func none() {
    let bench = Bench(limit: 0)
    bench.use("a")
    #expect(bench.settle().isEmpty)
  }

  @Test("of a snapshot that gives no machine are not tried again") func broken() {
    let bench = Bench()
    bench.use("a")
    bench.shelves.markBroken(snapshot("a"))
    bench.use("a")
    #expect(bench.settle().isEmpty)
  }

  @Test("of a snapshot that is forgotten are given back to be ended, also those that are under way")
  func forgotten() {
    let bench = Bench()
    bench.use("a")
    _ = bench.settle()
    let ended = bench.shelves.remove(snapshot("a"))
    #expect(ended == ["a"])
    #expect(bench.shelves.count == 0)
    let isKept = bench.shelves.add("a", of: snapshot("a"))
    #expect(!isKept)
    #expect(bench.settle().isEmpty)
  }
}
