import Synchronization

/// Limits the number of tasks that run at once. Suspends waiting tasks; never blocks a thread.
package actor Admission {
  /// The limits to which this task was admitted. Entering one again would make the task wait for itself.
  @TaskLocal private static var entered: Set<ObjectIdentifier> = []

  private var free: Int
  private var waiting: [(number: Int, continuation: CheckedContinuation<Bool, Never>)] = []
  private var next = 0

  init(width: Int) { free = max(1, width) }

  /// Waits for admission, runs `body`, and admits the next task.
  /// - Throws: `CancellationError` if the task is cancelled while it waits.
  nonisolated(nonsending) package func admitted<Result>(
    _ body: nonisolated(nonsending) () async throws -> Result
  ) async throws -> Result {
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
