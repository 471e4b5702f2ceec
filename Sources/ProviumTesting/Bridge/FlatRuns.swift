import ProviumRunner
import ProviumRuntime

/// Runs of files whose suite type could not be made. The first test case of a file starts the script.
actor FlatRuns {
  static let shared = FlatRuns()
  private var runs: [String: Task<NativeRun, any Error>] = [:]

  /// Calls `body` with the one run of a file. For admission, the file runs until its script has ended.
  func withRun<Result: Sendable>(
    of file: NativeFile,
    engine: Engine,
    _ body: @Sendable (NativeRun) async -> Result
  ) async throws -> Result {
    let task = runs[file.file.path] ?? Task { try await Self.admitted(file, engine) }
    runs[file.file.path] = task
    return await body(try await task.value)
  }

  private static func admitted(_ file: NativeFile, _ engine: Engine) async throws -> NativeRun {
    try await withCheckedThrowingContinuation { started in
      Task {
        do {
          try await SharedEngine.admission.admitted {
            let run = NativeRun(
              file,
              selected: SelectedCases.shared.selected(in: file.file.path),
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
