import ProviumAgentClient
import ProviumRuntime
import ProviumSystem

/// A command that runs in the background of a guest: see ``Guest/background(_:)``.
///
/// ```swift
/// let job = try await vm.background("sleep 0.1; echo done; exit 3")
/// #expect(try await job.wait() == .exited(3))
/// #expect(try await job.poll().standardOutput.text == "done\n")
/// ```
public struct Job: Sendable {
  /// The pid of the shell in the guest. The shell leads the process group of the job.
  public let pid: Int32
  private let number: UInt32
  private let target: OperationTarget

  /// The time that a wait occupies the VM's thread, on which all operations of the VM run one after the
  /// other.
  private static let slice = Duration.milliseconds(100)
  /// Each look at a job transfers its output so far: a job with much output is looked at less often.
  private static let longSlice = Duration.seconds(1)
  private static let muchOutput = 64 << 10

  init(_ job: GuestJob, of target: OperationTarget) {
    pid = job.pid
    number = job.id
    self.target = target
  }

  /// Returns the job's state and its output so far. Does not wait.
  /// - Throws: ``ProviumError``.
  public func poll() async throws(ProviumError) -> JobResult { try await collect() }

  /// Waits until the job has ended. Other operations of the VM can be carried out in the meantime.
  /// - Parameter limit: the longest time to wait; nil: until the VM's time limit.
  /// - Returns: how the job ended. Its output is in ``poll()``.
  /// - Throws: ``ProviumError``, with the code `timeout` if the job still runs after `limit`. The job then
  ///   continues.
  @discardableResult
  public func wait(atMost limit: Duration? = nil) async throws(ProviumError) -> ExitStatus {
    let deadline = limit.map { Deadline.after($0) } ?? .never
    var slice = Duration.zero
    while true {
      let state = try await collect(wait: min(slice, deadline.remaining))
      if let status = state.status { return status }
      if deadline.isExpired {
        let time = Quantity.text(limit ?? .zero)
        throw ProviumError(.timeout, "the job with pid \(pid) still runs after \(time)")
      }
      let output = state.standardOutput.bytes.count + state.standardError.bytes.count
      slice = output > Self.muchOutput ? Self.longSlice : Self.slice
    }
  }

  /// Sends a signal to the job's process group.
  /// - Parameter signal: any signal of Linux.
  /// - Throws: ``Errno`` if the guest's kernel refuses: `ESRCH` after the job has ended; ``ProviumError``.
  public func send(_ signal: Signal) async throws {
    _ = try await target.call("kill", [.value(-pid), .value(signal.rawValue)]).get()
  }

  /// Kills the job's process group, and waits until the job has ended. Idempotent.
  /// - Returns: how the job ended.
  /// - Throws: ``ProviumError``.
  @discardableResult
  public func kill() async throws(ProviumError) -> ExitStatus {
    if let status = try await collect(kill: true).status { return status }
    return try await wait()
  }

  private func collect(wait: Duration = .zero, kill: Bool = false) async throws(ProviumError) -> JobResult {
    let number = number
    return try await target.perform("job \(number)", allowance: wait) {
      try $0.collect(job: number, wait: wait, kill: kill, until: $1)
    }
  }
}
