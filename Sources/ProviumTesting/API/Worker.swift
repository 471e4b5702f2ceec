/// A second agent process or thread in a guest, with its own credentials and descriptors: see
/// ``VirtualMachine/spawn(_:)``.
///
/// ```swift
/// let worker = try await vm.spawn(.process)
/// try await worker.syscall.setuid(1000)
/// await #expect(throws: Errno.EPERM) { try await worker.syscall.setuid(0) }
/// #expect(try await vm.syscall.getuid().value == 0)
/// ```
public final class Worker: Guest, @unchecked Sendable {
  // Sendable: the properties are immutable.

  /// The pid in the guest. For a thread worker, the thread's id.
  public let pid: Int32
  /// The kind that it was spawned as.
  public let kind: WorkerKind

  init(pid: Int32, kind: WorkerKind, thread: MachineThread) {
    self.pid = pid
    self.kind = kind
    super.init(OperationTarget(thread: thread, worker: pid))
  }

  /// Kills the worker, and waits until it has ended. Its operations then throw. Idempotent.
  /// - Throws: ``ProviumError`` if the guest does not answer.
  public func kill() async throws(ProviumError) {
    let pid = pid
    try await target.thread.run { try $0.kill(worker: pid) }
  }
}
