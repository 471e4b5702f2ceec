import Glibc

/// The result of a helper program of the host (`dpkg-deb`, `apt-get`, `zstd`) that has run to its end.
package struct ToolRun: Sendable {
  package let status: ExitStatus
  package let output: [UInt8]
  package let errors: [UInt8]

  package var outputText: String { String(decoding: output, as: UTF8.self) }
  package var errorText: String { String(decoding: errors, as: UTF8.self) }

  /// The reason why a tool gave no result.
  package enum Failure: Error, Sendable, CustomStringConvertible {
    case notInstalled(tool: String)
    case timedOut(tool: String)
    case failed(tool: String, status: ExitStatus, errors: String)

    package var description: String {
      switch self {
      case .notInstalled(let tool): "\(tool) is not installed (looked for it in PATH)"
      case .timedOut(let tool): "\(tool) did not finish in time and was ended"
      case .failed(let tool, let status, let errors):
        "\(tool) failed (\(status))\(errors.isEmpty ? "" : ": \(errors)")"
      }
    }
  }

  /// Returns the absolute path of `tool`, searched in PATH and in the directories of system tools.
  package static func find(_ tool: String) -> String? {
    if tool.contains("/") { return access(tool, X_OK) == 0 ? tool : nil }
    let path = getenv("PATH").map { String(cString: $0) } ?? ""
    let directories =
      path.split(separator: ":").map(String.init) + ["/usr/bin", "/bin", "/usr/sbin", "/sbin"]
    return directories.lazy.map { "\($0)/\(tool)" }.first { access($0, X_OK) == 0 }
  }

  /// Runs `tool` with `input` on its standard input. Blocks until it ends. The output is held in memory.
  /// - Parameters:
  ///   - directory: the tool's working directory; nil: the caller's.
  ///   - environment: `NAME=value`; nil: the caller's.
  ///   - allowFailure: a non-zero exit status is a result, not an error.
  /// - Throws: `Failure`.
  package static func run(
    _ tool: String,
    _ arguments: [String],
    input: [UInt8] = [],
    directory: String? = nil,
    environment: [String]? = nil,
    allowFailure: Bool = false,
    deadline: Deadline = .after(.seconds(120))
  ) throws -> ToolRun {
    guard let executable = find(tool) else { throw Failure.notInstalled(tool: tool) }
    let stdin = try Descriptor.pipe(), stdout = try Descriptor.pipe(), stderr = try Descriptor.pipe()
    let child = try ChildProcess(
      executable: executable,
      arguments: arguments,
      environment: environment,
      directory: directory,
      descriptors: [0: stdin.read.raw, 1: stdout.write.raw, 2: stderr.write.raw]
    )
    let collected = try exchange(
      input: input,
      to: stdin.closingRead(),
      stdout: stdout.closingWrite(),
      stderr: stderr.closingWrite(),
      deadline: deadline
    )
    guard let collected, let status = try child.wait(until: deadline) else {
      child.terminate()
      throw Failure.timedOut(tool: tool)
    }
    let run = ToolRun(status: status, output: collected.output, errors: collected.errors)
    guard allowFailure || status.isSuccess else {
      let errors = run.errorText.split(separator: "\n").suffix(5).joined(separator: "\n")
      throw Failure.failed(tool: tool, status: status, errors: errors)
    }
    return run
  }

  /// Writes and reads the three pipes at once; nil when the deadline came first.
  private static func exchange(
    input: [UInt8],
    to stdin: consuming Descriptor,
    stdout: consuming Descriptor,
    stderr: consuming Descriptor,
    deadline: Deadline
  ) throws -> (output: [UInt8], errors: [UInt8])? {
    try stdin.setNonBlocking()
    var feed: Descriptor? = stdin
    var sent = 0
    var output: [UInt8] = [], errors: [UInt8] = []
    var openOutput = true, openErrors = true
    while openOutput || openErrors {
      if sent == input.count { feed = nil }
      let feedNumber: Int32 =
        switch feed {
        case .some(let descriptor): descriptor.raw
        case .none: -1
        }
      var interests = [
        Readiness.Interest.read(openOutput ? stdout.raw : -1), .read(openErrors ? stderr.raw : -1),
        .write(feedNumber),
      ]
      guard try Readiness.wait(&interests, until: deadline) else { return nil }
      if interests[0].isReadable { openOutput = try drain(stdout.raw, into: &output) }
      if interests[1].isReadable { openErrors = try drain(stderr.raw, into: &errors) }
      if interests[2].isWritable, feedNumber >= 0 {
        let count = input[sent...].withUnsafeBytes { write(feedNumber, $0.baseAddress, $0.count) }
        // EPIPE: the tool reads no more (the front ends ignore SIGPIPE).
        if count > 0 {
          sent += count
        } else if count < 0, errno != EAGAIN, errno != EINTR {
          sent = input.count
        }
      }
    }
    return (output, errors)
  }

  /// Appends the bytes of one read; false at the end.
  private static func drain(_ descriptor: Int32, into buffer: inout [UInt8]) throws -> Bool {
    let count = withUnsafeTemporaryAllocation(byteCount: 65536, alignment: 16) { chunk -> Int in
      let count = read(descriptor, chunk.baseAddress, chunk.count)
      if count > 0 { buffer.append(contentsOf: chunk[..<count]) }
      return count
    }
    if count < 0 && errno != EINTR && errno != EAGAIN { throw SystemError("read from a tool") }
    return count != 0
  }
}
