import ProviumRunner
import ProviumRuntime
import ProviumScripts

/// Runs of files whose suite type could not be made. The first test case of a file starts the script.
actor FlatRuns {
  static let shared = FlatRuns()
  private var runs: [TestFile: Task<NativeRun, any Error>] = [:]

  /// Calls `body` with the one run of a file. For admission, the file runs until its script has ended.
  func withRun<Result: Sendable>(
    of file: NativeFile,
    engine: Engine,
    _ body: @Sendable (NativeRun) async -> Result
  ) async throws -> Result {
    let task = runs[file.file] ?? Task { try await Self.admitted(file, engine) }
    runs[file.file] = task
    return await body(try await task.value)
  }

  private static func admitted(_ file: NativeFile, _ engine: Engine) async throws -> NativeRun {
    try await withCheckedThrowingContinuation { started in
      Task {
        do {
          try await SharedEngine.admission.admitted {
            let run = try NativeRun(
              file,
              selected: SelectedCases.shared.selected(in: file.file),
              engine: engine
            )
            do { try run.start() } catch {
              started.resume(throwing: error)
              return
            }
            started.resume(returning: run)
            await run.waitForEnd()
          }
        } catch { started.resume(throwing: error) }
      }
    }
  }
}
