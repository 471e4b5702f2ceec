import Synchronization

/// The fork servers of a run, one for each program, which start at their first use. Thread-safe.
package final class ForkServers: Sendable {
  /// A program, as long as its file is the same.
  private struct Program: Hashable {
    let path: String
    let facts: FileFacts
  }
  private enum Start {
    case forked(ForkServer)
    /// The program cannot be forked.
    case executed
  }
  /// Nil: all programs are executed.
  private let starts: Mutex<[Program: Start]?>

  /// - Parameter isEnabled: false: all programs are executed.
  package init(isEnabled: Bool = true) { starts = Mutex(isEnabled ? [:] : nil) }

  /// Ends the servers. Programs that are started later are executed.
  package func end() { starts.withLock { $0 = nil } }

  /// Starts a program, in a new session. A program that cannot be forked is executed.
  /// - Parameters:
  ///   - executable: absolute path.
  ///   - descriptors: the number in the child → the number here.
  ///   - failed: called with the reason where a fork server did not start it.
  package func start(
    _ executable: String,
    _ arguments: [String],
    directory: String,
    descriptors: [Int32: Int32],
    failed: (String) -> Void = { _ in }
  ) throws -> ChildProcess {
    // A server that has ended is replaced once.
    for _ in 0..<2 {
      guard let facts = try? FileFacts(executable) else { break }
      let program = Program(path: executable, facts: facts)
      guard let server = try server(of: program) else { break }
      do {
        return try server.start(arguments, directory: directory, descriptors: descriptors)
      } catch let gone as ForkServer.Gone {
        failed("\(gone)")
        forget(server, of: program, cannotFork: !gone.hasServed)
      }
    }
    return try ChildProcess(
      executable: executable,
      arguments: arguments,
      directory: directory,
      descriptors: descriptors
    )
  }

  private func server(of program: Program) throws -> ForkServer? {
    try starts.withLock { starts in
      switch starts?[program] {
      case .forked(let server): return server
      case .executed: return nil
      case nil:
        // Another file was at this path before.
        starts = starts?.filter { $0.key.path != program.path }
        let server = try starts.map { _ in try ForkServer(of: program.path) }
        starts?[program] = server.map { .forked($0) }
        return server
      }
    }
  }

  private func forget(_ server: ForkServer, of program: Program, cannotFork: Bool) {
    starts.withLock { starts in
      // Another thread may have replaced it.
      guard case .forked(let known) = starts?[program], known === server else { return }
      starts?[program] = cannotFork ? .executed : nil
    }
  }
}
