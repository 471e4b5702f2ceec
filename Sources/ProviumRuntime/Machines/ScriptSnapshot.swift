import ProviumVM
import ProviumSystem

/// A state of a machine that its script can go back to: `vm:snapshot()`, or what fresh sub-tests start from.
final class ScriptSnapshot {
  let point: RestorePoint
  /// Whose it is. The machine may hold the snapshot: the file's session outlives both.
  unowned let machine: ScriptMachine
  /// A fixture's own files, which stay; nil: the snapshot has a folder of its own.
  private let fixture: FixtureHold?
  private let engine: Engine

  /// - Parameter fixture: holds the files, where they are a fixture's.
  init(_ point: RestorePoint, of machine: ScriptMachine, fixture: FixtureHold? = nil) {
    self.point = point
    self.machine = machine
    self.fixture = fixture
    engine = machine.session.engine
  }

  /// Nobody can go back to it any more. A machine that was resumed from it holds its files open, and goes on.
  deinit {
    guard fixture == nil else { return }
    engine.warmPool.forget(point.snapshot)
    try? Files.removeTree(point.snapshot.folder)
  }
}

/// What a machine was when the file's first fresh sub-test began, and is again when the next one does.
enum FreshStart {
  case booted(ScriptSnapshot)
  /// There was no machine: created, shut down, dead.
  case absent(ScriptMachine.State)
}
