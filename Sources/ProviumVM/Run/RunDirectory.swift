import Glibc
import ProviumSystem
import Synchronization

/// The private folder (0700) of one run: consoles, logs, temporary files. It is removed at the end unless it
/// is kept. If this process is killed, a small reaper process removes the folder; if that is killed too, the
/// next run does.
package final class RunDirectory: Sendable {
  package let path: String
  private let lock: FileLock
  private let state: Mutex<State>

  private struct State: ~Copyable {
    var isKept = false
    var isRemoved = false
    /// The reaper reads the other end of this pipe.
    var leash: Descriptor?
    var nextMachine = 1
  }

  /// Creates `${TMPDIR:-/tmp}/provium-UID/run-…`, and removes the folders of dead runs.
  package init() throws {
    let temporary = Environment["TMPDIR"] ?? "/tmp"
    // Not created: Provium would not remove it, and a wrong name would go unnoticed.
    guard Files.isDirectory(temporary) else {
      throw SystemError("make a run directory in TMPDIR,", temporary, Errno(ENOENT))
    }
    let parent = "\(temporary)/provium-\(getuid())"
    try Files.createDirectories(parent, mode: 0o700)
    try Self.checkOwner(parent)
    Self.sweep(parent)
    var template = Array("\(parent)/run-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemError("make a run directory in", parent) }
    path = template.withUnsafeBufferPointer { buffer in
      buffer.baseAddress.map { String(cString: $0) } ?? ""
    }
    guard let lock = try FileLock.tryAcquire("\(path)/alive") else {
      throw SystemError("lock", "\(path)/alive", Errno(EWOULDBLOCK))
    }
    self.lock = lock
    state = Mutex(State(leash: try Self.startReaper(path)))
  }

  /// Refuses a folder of another user, who could put files into it.
  private static func checkOwner(_ path: String) throws {
    var status = stat()
    guard lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR, status.st_uid == getuid(),
      status.st_mode & 0o077 == 0
    else {
      throw SystemError(
        "use the folder (it must be a directory of this user's own with mode 0700)",
        path,
        Errno(EPERM)
      )
    }
  }

  /// The number of kept runs; beyond it the oldest are removed.
  private static let keptRuns = 20

  /// Removes the folders of runs whose lock is free: their process is dead. The last kept ones stay.
  private static func sweep(_ parent: String) {
    let dead = ((try? Files.list(parent)) ?? []).filter { $0.hasPrefix("run-") }.map { "\(parent)/\($0)" }
      .filter { run in
        guard Files.exists("\(run)/alive") else { return false }
        if let lock = try? FileLock.tryAcquire("\(run)/alive") {
          _ = lock
          return true
        }
        return false
      }
    let kept = dead.filter { Files.exists("\($0)/kept") }.sorted { age($0) > age($1) }
    for run in Set(dead).subtracting(kept.prefix(keptRuns)) { try? Files.removeTree(run) }
  }

  /// The time of the last change; greater for younger runs.
  private static func age(_ run: String) -> Int64 { (try? FileFacts(run).modifiedNanoseconds) ?? 0 }

  /// Starts a shell in its own session that waits for the end of a pipe, and then removes the folder unless
  /// it has read `k`.
  private static func startReaper(_ path: String) throws -> Descriptor {
    let pipe = try Descriptor.pipe()
    let script = "read -r farewell; [ \"$farewell\" = k ] || rm -rf -- \"$1\""
    _ = try DetachedChild(
      executable: "/bin/sh",
      arguments: ["-c", script, "provium-reaper", path],
      stdin: pipe.read.raw
    )
    return pipe.closingRead()
  }

  /// Creates a folder for one VM.
  package func machineDirectory() throws -> String {
    let number = state.withLock { state -> Int in
      defer { state.nextMachine += 1 }
      return state.nextMachine
    }
    let folder = "\(path)/vm\(number)"
    try Files.createDirectories(folder, mode: 0o700)
    return folder
  }

  /// Keeps the folder after the run. Only the VMs' own folders and the snapshots are removed.
  package func keep() {
    state.withLock { $0.isKept = true }
    try? Files.write([], to: "\(path)/kept")
  }

  /// The folder for the memory of VMs, which is large and of no use after the run.
  package var snapshots: String { "\(path)/snapshots" }

  /// Ends the run: removes the folder unless it is kept. Idempotent.
  package func close() {
    state.withLock { state in
      guard !state.isRemoved else { return }
      state.isRemoved = true
      try? Files.removeTree(state.isKept ? snapshots : path)
      let leash = state.leash.take()
      if let leash {
        _ = Array("k\n".utf8).withUnsafeBytes { write(leash.raw, $0.baseAddress, $0.count) }
      }
    }
  }

  deinit { close() }
}
