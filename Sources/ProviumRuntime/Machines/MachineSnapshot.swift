import ProviumSystem
import ProviumVM

/// A saved state that a VM can go back to: `vm:snapshot()`, or what fresh sub-tests start from.
package final class MachineSnapshot {
  let point: RestorePoint
  /// The VM handle that it was taken from.
  let machine: ObjectIdentifier
  /// Keeps a fixture's files from being removed; nil: the snapshot has a folder of its own.
  private let fixture: (any Sendable)?
  private let warmPool: WarmPool

  /// - Parameter fixture: what keeps the files, if they are a fixture's.
  init(
    _ point: RestorePoint,
    of machine: ObjectIdentifier,
    fixture: (any Sendable)? = nil,
    warmPool: WarmPool
  ) {
    self.point = point
    self.machine = machine
    self.fixture = fixture
    self.warmPool = warmPool
  }

  /// Removes the files: no VM can go back to this state. A VM that was resumed from it holds its files open.
  deinit {
    guard fixture == nil else { return }
    warmPool.forget(point.snapshot)
    try? Files.removeTree(point.snapshot.folder)
  }
}

/// The state of a VM when the file's first fresh sub-test began, to which the next fresh sub-test returns it.
enum FreshStart {
  case booted(MachineSnapshot)
  /// The handle had no VM: created, shut down, dead.
  case absent(MachineState)
}

/// A snapshot that something else owns, with what keeps its files from being removed.
struct HeldSnapshot {
  let snapshot: Snapshot
  let hold: any Sendable
}

/// The origin of a resumed VM, for the run's events.
enum ResumeOrigin {
  case fixture(String)
  /// A script's own: `vm:restore`, a fresh sub-test.
  case snapshot
  /// A VM that was kept after a failure.
  case kept(String)

  /// The event format calls a warm VM `spare`.
  func text(isWarm: Bool) -> String {
    switch self {
    case .fixture(let name): isWarm ? "spare \(name)" : "fixture \(name)"
    case .kept(let id): "kept \(id)"
    case .snapshot: isWarm ? "spare restore" : "restore"
    }
  }
}
