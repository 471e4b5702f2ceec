package import ProviumEvents
import ProviumSystem
import Synchronization

/// One file that has run, retries included.
package struct EndedFile: Sendable {
  package let file: TestFile
  package let result: FileResult
  /// Host files whose change may change the result.
  package let touched: Set<String>
  /// It failed because the run was ended while it ran: that says nothing of the file.
  package let isCut: Bool
}

/// Runs files in parallel, one dedicated thread each at a time, and tells the event stream.
package final class TestRunner: Sendable {
  private struct Progress {
    var next = 0
    var summary = RunSummary()
    var results: [FileResult] = []
    var touched: [TestFile: Set<String>] = [:]
    /// A file has failed, and with `--fail-fast` that is enough.
    var hasFailedFast = false
  }

  private let files: [TestFile]
  private let options: RunOptions
  private let engine: Engine
  private let interruption: Interruption
  private let onEnd: @Sendable (EndedFile) -> Void
  private let progress = Mutex(Progress())
  /// Threads that take files.
  private let working = Monitor(0)

  /// - Parameter onEnd: told of each file as it ends, on the file's thread.
  package init(
    files: [TestFile],
    options: RunOptions,
    engine: Engine,
    interruption: Interruption,
    onEnd: @escaping @Sendable (EndedFile) -> Void = { _ in }
  ) {
    self.files = files
    self.options = options
    self.engine = engine
    self.interruption = interruption
    self.onEnd = onEnd
  }

  /// Blocks until every file has run or the run was stopped.
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

  /// What came of each file, in order of completion.
  package var results: [FileResult] { progress.withLock { $0.results } }

  /// By file: the host files that its run looked at.
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

  /// False when this thread was given up with its file: another has its place.
  private func work() -> Bool {
    while let (number, file) = takeNext() {
      guard var (result, isCut) = runFile(file, number: number, attempt: 0) else { return false }
      var attempt = 0
      while attempt < options.retries, result.failedByInfrastructureAlone, interruption.reason == nil {
        attempt += 1
        engine.events.send(
          .warning(
            file: file.name,
            text: "harness fault, running it again (\(attempt) of \(options.retries))"
          )
        )
        engine.fixtures.forgetFaults()
        guard let again = runFile(file, number: number, attempt: attempt) else { return false }
        (result, isCut) = again
      }
      record(result, of: file, isCut: isCut)
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

  /// nil: the file was given up, and has been recorded.
  private func runFile(_ file: TestFile, number: Int, attempt: Int) -> (result: FileResult, isCut: Bool)? {
    engine.events.send(.fileStarted(file: file.name, attempt: attempt))
    let session = FileSession(
      file: file,
      owner: number,
      engine: engine,
      selection: options.selection,
      timeout: options.fileTimeout ?? engine.configuration.settings.timeout
    )
    let ended = engine.stuckWatch.watching(
      session,
      giveUp: { self.giveUp(file, $0, attempt: attempt, isCut: session.isInterrupted) }
    ) {
      interruption.listening(session) { session.run() }
    }
    guard var result = ended else { return nil }
    result.attempt = attempt
    progress.withLock { $0.touched[file, default: []].formUnion(session.touchedFiles) }
    engine.events.send(.fileEnded(result))
    return (result, session.isInterrupted && result.hasFailed)
  }

  /// The file's thread will not come back: its place is taken by a new one.
  private func giveUp(_ file: TestFile, _ result: FileResult, attempt: Int, isCut: Bool) {
    var result = result
    result.attempt = attempt
    engine.events.send(.fileEnded(result))
    record(result, of: file, isCut: isCut)
    do { try startWorker() } catch {
      engine.events.send(.warning(file: nil, text: "\(error): one file less runs in parallel"))
    }
    working.update { $0 -= 1 }
  }

  private func record(_ result: FileResult, of file: TestFile, isCut: Bool) {
    let touched = progress.withLock { progress in
      progress.results.append(result)
      progress.summary.add(result)
      if result.hasFailed, options.failFast { progress.hasFailedFast = true }
      return progress.touched[file] ?? []
    }
    onEnd(EndedFile(file: file, result: result, touched: touched, isCut: isCut))
  }
}
