import ProviumArchitecture
import Glibc
import ProviumAgentClient
import ProviumVM
import ProviumSystem

/// Connects the host's standard input to a command in the guest: passes on any amount of data as it comes, and closes the
/// guest's end at the end of the input. A command that does not read it is not delayed.
final class InputPipe: Sendable {
  private let worker: GuestWorker
  /// The ends of a pipe in the guest.
  private let reading: Int32
  private let writing: Int32

  private static let piece = 64 << 10
  private static let limit = Duration.seconds(30)

  /// Makes a pipe in the agent, whose commands inherit it. A worker that shares the agent's descriptors writes to the pipe:
  /// it may block until the command reads, while the agent runs the command.
  init(in machine: VirtualMachine) throws {
    let deadline = Deadline.after(Self.limit)
    worker = try machine.agent.spawnWorker(.shared, until: deadline)
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

  /// Returns the command with the pipe as its standard input.
  func redirecting(_ command: String) -> String {
    // A shell may know only single digits to the left of the arrow.
    "exec <&\(reading)\(reading < 10 ? " \(reading)<&-" : ""); \(command)"
  }

  /// Copies from `descriptor` until its end, on a thread of its own. The thread ends with the VM at the latest.
  func feed(from descriptor: Int32) throws {
    _ = try DedicatedThread(name: "stdin", stackSize: 512 << 10) { [self] in
      var piece = [UInt8](repeating: 0, count: Self.piece)
      while true {
        let count = piece.withUnsafeMutableBytes { read(descriptor, $0.baseAddress, $0.count) }
        if count < 0, errno == EINTR { continue }
        guard count > 0, (try? write(Array(piece[..<count]))) != nil else { break }
      }
      // The command sees the end of its input. If the VM is gone, this fails, and nothing is lost.
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
      // No kernel answers that it wrote nothing, or more than it was given: a hostile guest must not cause an endless loop.
      guard (1...rest.count).contains(Int(call.result)) else {
        throw GuestError.lost(.main, "the guest says that it wrote \(call.result) of \(rest.count) bytes")
      }
      rest = rest.dropFirst(Int(call.result))
    }
  }

  /// Makes a system call in the guest.
  /// - Throws: `SystemError` if the guest's kernel refuses it.
  private static func call(
    _ worker: GuestWorker,
    _ name: String,
    _ arguments: [Int64],
    _ buffer: CallBuffer? = nil,
    until deadline: Deadline
  ) throws -> SystemCallResult {
    guard let number = SyscallName.number(name, worker.session.architecture) else {
      throw GuestError.lost(.main, "the guest's architecture has no \(name)")
    }
    let call = SystemCall(number: number, arguments: arguments, buffers: buffer.map { [$0] } ?? [])
    let result = try worker.session.syscall(call, until: deadline)
    // The guest may return any number, also Int64.min, which has no positive counterpart.
    guard result.result >= 0 else {
      throw SystemError(name, "in the guest", Errno(Int32(clamping: 0 &- result.result)))
    }
    return result
  }
}
