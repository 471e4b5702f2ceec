package import ProviumEvents
package import ProviumRuntime
package import ProviumScripts
import ProviumSystem
import Synchronization

/// Runs files in parallel, each on a dedicated thread, and sends their events. Thread-safe; runs once.
package final class TestRunner: Sendable {
  private struct Progress {
    var next = 0
    var summary = RunSummary()
    var results: [FileResult] = []
    var touched: [TestFile: Set<String>] = [:]
    /// A file failed, and `--fail-fast` starts no other one.
    var hasFailedFast = false
  }

  private let files: [TestFile]
  private let source: any TestSource
  private let options: RunOptions
  private let engine: Engine
  private let interruption: Interruption
  private let onEnd: @Sendable (TestFile, EndedRun) -> Void
  private let known: KnownFailures
  private let progress = Mutex(Progress())
  /// The number of threads that run files.
  private let working = Monitor(0)

  /// - Parameter onEnd: Called with the last run of each file, on the file's thread.
  package init(
    files: [TestFile],
    source: any TestSource,
    options: RunOptions,
    engine: Engine,
    interruption: Interruption,
    onEnd: @escaping @Sendable (TestFile, EndedRun) -> Void = { _, _ in }
  ) {
    self.files = files
    self.source = source
    self.options = options
    self.engine = engine
    known = KnownFailures(engine.configuration.knownFailures)
    self.interruption = interruption
    self.onEnd = onEnd
  }

  /// Blocks until every file has run or the run was interrupted.
  package func run() throws -> RunSummary {
    let start = Deadline.now
    for _ in 0..<options.width(for: files.count) { try startWorker() }
    working.wait(until: .never) { (count: inout Int) -> Void? in count == 0 ? () : nil }
    return progress.withLock { progress in
      var summary = progress.summary
      summary.duration = Double(Deadline.now - start) / 1e9
      if let reason = interruption.reason {
        summary.stoppedEarly = reason
      } else if progress.hasFailedFast, progress.next < files.count {
        summary.stoppedEarly = RunOptions.failFastReason
      }
      return summary
    }
  }

  /// The result of each file, in order of completion.
  package var results: [FileResult] { progress.withLock { $0.results } }

  /// For each file: the host files that its run read.
  package var touchedFiles: [TestFile: Set<String>] { progress.withLock { $0.touched } }

  private func startWorker() throws {
    working.update { $0 += 1 }
    do {
      _ = try DedicatedThread(name: "files") { if self.work() { self.working.update { $0 -= 1 } } }
    } catch {
      working.update { $0 -= 1 }
      throw error
    }
  }

  /// Returns false if this thread was given up with its file and another one took its place.
  private func work() -> Bool {
    while let (number, file) = takeNext() {
      guard var ended = run(file, number: number, attempt: 0) else { return false }
      var attempt = 0
      while attempt < options.retries, ended.result.failedByInfrastructureAlone, interruption.reason == nil {
        attempt += 1
        engine.events.send(
          .warning(
            file: file.name,
            text: "infrastructure error, running it again (\(attempt) of \(options.retries))"
          )
        )
        engine.forgetFixtureFaults()
        guard let again = run(file, number: number, attempt: attempt) else { return false }
        ended = again
      }
      record(ended, of: file)
    }
    return true
  }

  private func takeNext() -> (Int, TestFile)? {
    guard interruption.reason == nil else { return nil }
    return progress.withLock { progress in
      guard progress.next < files.count, !progress.hasFailedFast else { return nil }
      defer { progress.next += 1 }
      return (progress.next, files[progress.next])
    }
  }

  /// Returns nil if the run was given up; its result is then recorded.
  private func run(_ file: TestFile, number: Int, attempt: Int) -> EndedRun? {
    engine.events.send(.fileStarted(file: file.name, attempt: attempt))
    let run = TestRun(
      file: file,
      number: number,
      engine: engine,
      selection: options.selection,
      timeLimit: options.fileTimeout ?? engine.configuration.settings.timeout,
      hasOwnTimeLimit: options.fileTimeout != nil
    )
    let ended = source.run(run, interruption: interruption) {
      self.replaceThread(of: file, $0, attempt: attempt)
    }
    guard let ended else { return nil }
    return end(ended, of: file, attempt: attempt)
  }

  private func end(_ ended: EndedRun, of file: TestFile, attempt: Int) -> EndedRun {
    var ended = ended
    ended.result.attempt = attempt
    ended.result = known.applied(to: ended.result)
    ended.result.kernel = file.kernel ?? ""
    progress.withLock { $0.touched[file, default: []].formUnion(ended.touched) }
    engine.events.send(.fileEnded(ended.result))
    return ended
  }

  /// Records a run that was given up, and starts a thread in place of the one that does not return.
  private func replaceThread(of file: TestFile, _ ended: EndedRun, attempt: Int) {
    record(end(ended, of: file, attempt: attempt), of: file)
    do { try startWorker() } catch {
      engine.events.send(.warning(file: nil, text: "\(error): one file less runs in parallel"))
    }
    working.update { $0 -= 1 }
  }

  private func record(_ ended: EndedRun, of file: TestFile) {
    let touched = progress.withLock { progress in
      progress.results.append(ended.result)
      progress.summary.add(ended.result)
      if ended.result.hasFailed, options.failFast { progress.hasFailedFast = true }
      return progress.touched[file] ?? []
    }
    // Of all attempts.
    onEnd(file, EndedRun(result: ended.result, touched: touched, isCut: ended.isCut))
  }
}
