import ProviumArchitecture
import Glibc
import ProviumAgentClient
import ProviumVM
import ProviumSystem

/// The host's standard input as a command's in the guest: handed on as it comes, however much, and ended when it ends. A
/// command that does not read it is not held up.
final class InputPipe: Sendable {
  private let worker: GuestWorker
  /// Ends of a pipe in the guest.
  private let reading: Int32
  private let writing: Int32

  private static let piece = 64 << 10
  private static let limit = Duration.seconds(30)

  /// The pipe is the agent's own, and so its commands inherit it. What is written comes from a worker that shares its
  /// descriptors, and may wait for the command, which the agent cannot while it runs it.
  init(in machine: VirtualMachine) throws {
    let deadline = Deadline.after(Self.limit)
    worker = try machine.agent.startWorker(.thread, until: deadline)
    let pair = CallBuffer(argument: 0, bytes: [UInt8](repeating: 0, count: 8))
    let made = try Self.call(worker, "pipe2", [0, Int64(O_CLOEXEC)], pair, until: deadline)
    let ends = made.buffers.first ?? []
    func end(_ at: Int) -> Int32 { (0..<4).reduce(0) { $0 | Int32(ends[at + $1]) << (8 * Int32($1)) } }
    guard ends.count == 8 else {
      throw GuestError.lost(.main, "the guest made no pipe for the standard input")
    }
    (reading, writing) = (end(0), end(4))
    _ = try Self.call(worker, "fcntl", [Int64(reading), Int64(F_SETFD), 0], until: deadline)
  }

  /// The command with the pipe as its standard input.
  func redirecting(_ command: String) -> String {
    // A shell may know only single digits to the left of the arrow.
    "exec <&\(reading)\(reading < 10 ? " \(reading)<&-" : ""); \(command)"
  }

  /// Hands on what `descriptor` gives until its end, on a thread of its own, which ends with the machine at the latest.
  func feed(from descriptor: Int32) throws {
    _ = try DedicatedThread(name: "stdin", stackSize: 512 << 10) { [self] in
      var piece = [UInt8](repeating: 0, count: Self.piece)
      while true {
        let count = piece.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0, (try? write(Array(piece[..<count]))) != nil else { break }
      }
      // The command sees the end; where the machine is gone, nobody needs to.
      _ = try? Self.call(worker, "close", [Int64(writing)], until: .after(Self.limit))
    }
  }

  private func write(_ bytes: [UInt8]) throws {
    var rest = bytes[...]
    while !rest.isEmpty {
      let buffer = CallBuffer(argument: 1, bytes: Array(rest))
      let call = try Self.call(
        worker,
        "write",
        [Int64(writing), 0, Int64(rest.count)],
        buffer,
        until: .never
      )
      // Nothing written, or more than there was, is what no kernel answers: a guest must not keep us busy with it.
      guard (1...rest.count).contains(Int(call.value)) else {
        throw GuestError.lost(.main, "the guest says that it wrote \(call.value) of \(rest.count) bytes")
      }
      rest = rest.dropFirst(Int(call.value))
    }
  }

  /// - Throws: also for what the guest's kernel refuses.
  private static func call(
    _ worker: GuestWorker,
    _ name: String,
    _ arguments: [Int64],
    _ buffer: CallBuffer? = nil,
    until deadline: Deadline
  ) throws -> SystemCallResult {
    guard let number = SyscallName.number(name, worker.connection.architecture) else {
      throw GuestError.lost(.main, "the guest's architecture has no \(name)")
    }
    let call = SystemCall(number: number, arguments: arguments, buffers: buffer.map { [$0] } ?? [])
    let result = try worker.connection.syscall(call, until: deadline)
    // Whatever a guest claims: 0 - Int64.min is no number, and few are errors.
    guard result.value >= 0 else {
      throw SystemError(name, "in the guest", Errno(Int32(clamping: 0 &- result.value)))
    }
    return result
  }
}
