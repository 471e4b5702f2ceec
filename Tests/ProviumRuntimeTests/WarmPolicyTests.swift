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
      architecture: .x86_64,
      processor: "",
      arguments: ""
    ),
    configuration: MachineConfiguration(memory: .mebibytes(64)),
    diskFiles: [:],
    kernelRelease: nil
  )
}

/// A policy whose warm VMs are strings: the names of their snapshots.
private final class Bench {
  var policy = WarmPolicy<String>()
  let limit: Int
  var hasRoom = true

  init(limit: Int = 2) { self.limit = limit }

  @discardableResult
  func use(_ name: String) -> String? { policy.take(snapshot(name)) }

  /// Takes steps until there are none, and returns them.
  func settle() -> [String] {
    var done: [String] = []
    while done.count < 20, let step = policy.next(limit: limit, hasRoom: hasRoom) {
      switch step {
      case .make(let snapshot):
        done.append("make \(snapshot.name)")
        if !policy.add(snapshot.name, of: snapshot) { done.append("not kept") }
      case .end(let warmVM): done.append("end \(warmVM)")
      }
    }
    return done
  }
}

@Suite("Warm VMs") struct WarmPolicyTests {
  @Test("a snapshot that was used once gets one warm VM, a snapshot that was used twice gets two")
  func wanted() {
    let bench = Bench()
    #expect(bench.settle().isEmpty)
    #expect(bench.use("a") == nil)
    #expect(bench.settle() == ["make a"])
    #expect(bench.use("a") == "a")
    #expect(bench.settle() == ["make a", "make a"])
    #expect(bench.policy.count == 2)
  }

  @Test("the most recently used snapshot gets the first warm VM") func order() {
    let bench = Bench(limit: 8)
    for name in ["a", "b", "c"] { bench.use(name) }
    #expect(bench.settle() == ["make c", "make b", "make a"])
  }

  @Test("a snapshot that is used now takes the place of one that is not used any more") func reassigned() {
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

  @Test("two snapshots that are used in turn keep their warm VMs") func turns() {
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

  @Test("without room no warm VM is added, but one may be replaced by another snapshot's") func room() {
    let bench = Bench(limit: 8)
    bench.use("a")
    #expect(bench.settle() == ["make a"])
    bench.hasRoom = false
    bench.use("b")
    #expect(bench.settle() == ["end a"])
    bench.hasRoom = true
    #expect(bench.settle() == ["make b", "make a"])
  }

  @Test("a limit of 0 makes no warm VMs") func none() {
    let bench = Bench(limit: 0)
    bench.use("a")
    #expect(bench.settle().isEmpty)
  }

  @Test("a snapshot whose resume failed is not tried again") func broken() {
    let bench = Bench()
    bench.use("a")
    bench.policy.markBroken(snapshot("a"))
    bench.use("a")
    #expect(bench.settle().isEmpty)
  }

  @Test("a removed snapshot's warm VMs are returned, and one that is being made is not kept")
  func forgotten() {
    let bench = Bench()
    bench.use("a")
    _ = bench.settle()
    let ended = bench.policy.remove(snapshot("a"))
    #expect(ended == ["a"])
    #expect(bench.policy.count == 0)
    let isKept = bench.policy.add("a", of: snapshot("a"))
    #expect(!isKept)
    #expect(bench.settle().isEmpty)
  }
}
