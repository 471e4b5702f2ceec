internal import CLinux
import Glibc
import Synchronization

/// A process that has loaded a program and its libraries, and starts the program by cloning itself. For QEMU, with 50
/// libraries, this takes a fifth of the time. See `ForkServer/fork_server.c`.
///
/// The processes that it starts are children of this process. The server ends when it is released, or with this process.
package final class ForkServer: Sendable {
  /// The server has ended, or never served: LD_PRELOAD has no effect on the program (ld.so(8)), or its process is not as
  /// `ForkServer/fork_server.c` expects.
  package struct Gone: Error, CustomStringConvertible {
    /// Whether it had served.
    let hasServed: Bool
    package var description: String {
      hasServed
        ? "the fork server has ended"
        : "the program is executed: it is a script, static, or has privileges of its own, or the kernel is too old"
    }
  }

  /// The absolute path of the program.
  package let executable: String
  /// The number of the server's own process.
  package var processID: Int32 { process.pid }
  private let process: ChildProcess
  private let connection: Mutex<Connection>

  private struct Connection: ~Copyable {
    let socket: Descriptor
    var isReady = false
  }

  /// The time in which a server must become ready, and answer.
  private static let patience = Duration.seconds(30)

  /// Starts the server. Does not wait until it is ready.
  package init(of executable: String) throws {
    self.executable = executable
    let pair = try Descriptor.socketPair()
    let bytes = Hex.bytes(EmbeddedForkServer.library.description) ?? []
    let library = try Descriptor.memoryFile("fork-server", size: 0)
    try Files.writeAll(bytes, to: library.raw, path: "the fork server's library")
    let (socketNumber, libraryNumber) = (FORK_SOCKET, FORK_SOCKET + 1)
    var preload = "LD_PRELOAD=/proc/self/fd/\(libraryNumber)"
    if let others = Environment["LD_PRELOAD"] { preload += ":\(others)" }
    process = try ChildProcess(
      executable: executable,
      // For a program that does not become a server: it must end.
      arguments: ["--version"],
      environment: ChildProcess.parentEnvironment().filter { !$0.hasPrefix("LD_PRELOAD=") } + [
        preload, "\(FORK_PROGRAM)=\(executable)",
      ],
      descriptors: [socketNumber: pair.theirs.raw, libraryNumber: library.raw]
    )
    connection = Mutex(Connection(socket: pair.takeOurs()))
  }

  /// Starts the program, in a new session, as a child of this process that is killed with this process. A failure after the
  /// clone, such as a missing directory, is written to the child's standard error, and the child exits with 127.
  /// - Parameters:
  ///   - arguments: without the program's name.
  ///   - descriptors: the number in the child → the number here. Missing 0, 1, 2 are `/dev/null`.
  /// - Throws: `Gone`, `SystemError`.
  package func start(
    _ arguments: [String],
    directory: String? = nil,
    descriptors: [Int32: Int32] = [:]
  ) throws -> ChildProcess {
    let null = try Descriptor.open("/dev/null", O_RDWR)
    let numbers = ChildProcess.withStandard(descriptors, null: null).sorted { $0.key < $1.key }
    let request = try request(arguments, directory, numbers.map(\.key))
    let result = try connection.withLock { connection in
      if !connection.isReady {
        guard try receive(1, from: connection.socket) == [UInt8(ascii: "r")] else {
          throw Gone(hasServed: false)
        }
        connection.isReady = true
      }
      let sent = [request.raw] + numbers.map(\.value)
      guard clinux_send_fds(connection.socket.raw, "f", 1, sent, sent.count) == 0,
        let answer = try receive(4, from: connection.socket)
      else { throw Gone(hasServed: true) }
      return answer.withUnsafeBytes { $0.loadUnaligned(as: Int32.self) }
    }
    guard result > 0 else { throw SystemError("start a process of", executable, Errno(-result)) }
    return try ChildProcess(owning: result, of: executable)
  }

  /// Receives an exact number of bytes; nil at the end of the stream, or when the time is over.
  private func receive(_ count: Int, from socket: borrowing Descriptor) throws -> [UInt8]? {
    let deadline = Deadline.after(Self.patience)
    var bytes: [UInt8] = []
    while bytes.count < count {
      guard try Readiness.waitReadable(socket.raw, until: deadline),
        SocketRead.now(socket.raw, size: count - bytes.count, { bytes += $0 })
      else {
        process.terminate()
        return nil
      }
    }
    return bytes
  }

  /// Writes a request as `fork_request.h` has it.
  private func request(_ arguments: [String], _ directory: String?, _ numbers: [Int32]) throws -> Descriptor {
    guard numbers.count <= Int(FORK_DESCRIPTORS) else {
      throw SystemError("hand descriptors to", executable, Errno(E2BIG))
    }
    let environment = ChildProcess.parentEnvironment()
    var text: [UInt8] = []
    for part in [directory ?? "", executable] + arguments + environment {
      text += part.utf8.prefix { $0 != 0 } + [0]
    }
    var head = fork_request()
    head.parent = getpid()
    head.argument_count = UInt32(arguments.count + 1)
    head.environment_count = UInt32(environment.count)
    head.descriptor_count = UInt32(numbers.count)
    head.text_size = UInt32(text.count)
    withUnsafeMutableBytes(of: &head.descriptors) { all in
      numbers.withUnsafeBytes { all.copyMemory(from: $0) }
    }
    let file = try Descriptor.memoryFile("fork-request", size: 0)
    try Files.writeAll(
      withUnsafeBytes(of: head) { Array($0) } + text,
      to: file.raw,
      path: "a request to fork"
    )
    return file
  }
}
