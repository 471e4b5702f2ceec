import Synchronization

/// Admits as many scripts at a time as the runtime runs files, without blocking a cooperative thread.
package actor Admission {
  /// Where this task was admitted: it need not enter again, and would wait for itself.
  @TaskLocal private static var entered: Set<ObjectIdentifier> = []

  private var free: Int
  private var waiting: [(number: Int, continuation: CheckedContinuation<Bool, Never>)] = []
  private var next = 0

  init(width: Int) { free = max(1, width) }

  /// Waits for its turn, runs `body`, and lets the next one in.
  /// - Throws: `CancellationError` where the task is cancelled while it waits.
  package nonisolated func admitted<Result>(_ body: () async throws -> Result) async throws -> Result {
    let own = ObjectIdentifier(self)
    if Self.entered.contains(own) { return try await body() }
    try await enter()
    do {
      let result = try await Self.$entered.withValue(Self.entered.union([own])) { try await body() }
      await leave()
      return result
    } catch {
      await leave()
      throw error
    }
  }

  private func enter() async throws {
    try Task.checkCancellation()
    if free > 0 {
      free -= 1
      return
    }
    next += 1
    let number = next
    let isAdmitted = await withTaskCancellationHandler {
      await withCheckedContinuation { waiting.append((number, $0)) }
    } onCancel: {
      Task { await self.giveUp(number) }
    }
    if !isAdmitted { throw CancellationError() }
  }

  private func giveUp(_ number: Int) {
    guard let index = waiting.firstIndex(where: { $0.number == number }) else { return }
    waiting.remove(at: index).continuation.resume(returning: false)
  }

  private func leave() {
    if waiting.isEmpty {
      free += 1
    } else {
      waiting.removeFirst().continuation.resume(returning: true)
    }
  }
}

/// Which sub-tests of which file are to run. Filled before any of them starts, by what the test runner makes of
/// every test that is left after filtering: `prepare(for:)` in Swift Testing, `init(name:testClosure:)` in XCTest.
package final class PreparedTests: Sendable {
  package static let shared = PreparedTests()
  private let parts = Mutex<[String: Set<ScriptRun.Part>]>([:])

  package func add(_ part: ScriptRun.Part, of file: String) {
    parts.withLock { _ = $0[file, default: []].insert(part) }
  }
  package func selected(in file: String) -> Set<ScriptRun.Part> { parts.withLock { $0[file] ?? [] } }
}
