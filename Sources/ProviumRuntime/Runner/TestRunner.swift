package import ProviumEvents
import ProviumSystem
import Synchronization

/// Runs files in parallel, one dedicated thread each at a time, and tells the event stream.
package final class TestRunner: Sendable {
  private struct Progress {
    var next = 0
    var summary = RunSummary()
    var results: [FileResult] = []
    var touched: [TestFile: Set<String>] = [:]
  }

  private let files: [TestFile]
  private let options: RunOptions
  private let engine: Engine
  private let interruption: Interruption
  private let progress = Mutex(Progress())

  package init(files: [TestFile], options: RunOptions, engine: Engine, interruption: Interruption) {
    self.files = files
    self.options = options
    self.engine = engine
    self.interruption = interruption
  }

  /// Blocks until every file has run or the run was stopped.
  package func run() throws -> RunSummary {
    let start = Deadline.now
    let threads = try (0..<options.width(for: files.count)).map { number in
      try DedicatedThread(name: "files-\(number)") { self.work() }
    }
    threads.forEach { $0.join() }
    var summary = progress.withLock { $0.summary }
    summary.duration = Double(Deadline.now - start) / 1e9
    if let reason = interruption.reason { summary.stoppedEarly = reason }
    return summary
  }

  /// What came of each file, in order of completion.
  package var results: [FileResult] { progress.withLock { $0.results } }

  /// By file: the host files that its run looked at.
  package var touchedFiles: [TestFile: Set<String>] { progress.withLock { $0.touched } }

  private func work() {
    while let (number, file) = takeNext() {
      var result = runFile(file, number: number, attempt: 0)
      var attempt = 0
      while attempt < options.retries, result.failedByHarnessAlone, interruption.reason == nil {
        attempt += 1
        engine.events.send(
          .warning(
            file: file.name,
            text: "harness fault, running it again (\(attempt) of \(options.retries))"
          )
        )
        engine.fixtures.forgetFaults()
        result = runFile(file, number: number, attempt: attempt)
      }
      record(result)
    }
  }

  private func takeNext() -> (Int, TestFile)? {
    guard interruption.reason == nil else { return nil }
    return progress.withLock { progress in
      guard progress.next < files.count else { return nil }
      defer { progress.next += 1 }
      return (progress.next, files[progress.next])
    }
  }

  private func runFile(_ file: TestFile, number: Int, attempt: Int) -> FileResult {
    engine.events.send(.fileStarted(file: file.name, attempt: attempt))
    let session = FileSession(
      file: file,
      owner: number,
      engine: engine,
      selection: options.selection,
      timeout: options.fileTimeout ?? engine.configuration.settings.timeout
    )
    var result = interruption.listening({ session.interrupt($0) }) { session.run() }
    result.attempt = attempt
    progress.withLock { $0.touched[file, default: []].formUnion(session.touchedFiles) }
    engine.events.send(.fileEnded(result))
    return result
  }

  private func record(_ result: FileResult) {
    let failed = progress.withLock { progress -> Bool in
      progress.results.append(result)
      progress.summary.add(result)
      return result.hasFailed
    }
    if failed, options.failFast { interruption.stopStarting("a file failed (--fail-fast)") }
  }
}

extension FileResult {
  /// Every failure in it is the harness's: worth another try, when the user wants that. An outer test that failed by its inner
  /// ones has no failure of its own.
  var failedByHarnessAlone: Bool {
    let failures = ([outcome] + subTests.map(\.outcome)).compactMap { outcome -> Failure? in
      if case .failed(let failure) = outcome, failure.kind != .inner { failure } else { nil }
    }
    return !failures.isEmpty && failures.allSatisfy { $0.kind == .harness }
  }
}
