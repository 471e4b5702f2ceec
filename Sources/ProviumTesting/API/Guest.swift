import ProviumAgentClient

/// A virtual machine or one of its workers: everything that carries out operations in a guest.
///
/// Functions that take a `Guest` work with ``VirtualMachine`` and ``Worker`` alike:
///
/// ```swift
/// func hostName(of guest: Guest) async throws -> String {
///   try await guest.readText("/proc/sys/kernel/hostname")
/// }
/// ```
///
/// All operations throw ``ProviumError``, whose ``ProviumError/code`` tells a mistake of the test from a
/// failure of the guest, of the host or of Provium. The operations of one VM, and those of its workers, are
/// carried out one after the other. Each has the time limit `op_timeout` of `provium.toml`; all of them
/// together have `timeout`. If the task of an operation is cancelled, the VM is ended.
public class Guest: @unchecked Sendable {
  // Sendable: the only property is immutable, and only this module can make subclasses.
  final let target: OperationTarget

  init(_ target: OperationTarget) { self.target = target }

  // MARK: Commands

  /// Runs `/bin/sh -c command` in the guest, and waits until it has ended.
  ///
  /// ```swift
  /// let result = try await vm.exec("echo $GREETING; cat", CommandOptions(
  ///   environment: ["GREETING": "hello"],
  ///   standardInput: Array("there".utf8)
  /// ))
  /// #expect(result.isSuccess, "\(result.standardError)")
  /// #expect(result.standardOutput.text == "hello\nthere")
  /// ```
  ///
  /// - Parameters:
  ///   - command: a line for the guest's shell.
  ///   - options: the environment, the standard input, the working directory, and the command's time limit.
  /// - Returns: the exit status and the output, whatever the command did.
  /// - Throws: ``ProviumError`` if the command could not be run.
  @discardableResult
  public final func exec(_ command: String, _ options: CommandOptions = CommandOptions())
    async throws(ProviumError) -> CommandResult
  {
    try await target.perform("exec \(command)", allowance: options.timeout ?? .zero) {
      try $0.exec(ByteString(command), options, until: $1)
    }
  }

  /// Starts `/bin/sh -c command` in the background of the guest.
  /// - Parameter command: a line for the guest's shell. Its standard input is `/dev/null`.
  /// - Returns: the running job. It ends with the VM at the latest.
  /// - Throws: ``ProviumError`` if the command could not be started.
  public final func background(_ command: String) async throws(ProviumError) -> Job {
    let job = try await target.perform("background \(command)") {
      try $0.background(ByteString(command), until: $1)
    }
    return Job(job, of: target)
  }

  // MARK: Files

  /// Returns the whole contents of a file in the guest.
  /// - Parameter path: absolute, or relative to `/`.
  /// - Throws: ``ProviumError``, with the code `refused` if the guest's kernel refuses to open or to read the
  ///   file.
  public final func readFile(_ path: String) async throws(ProviumError) -> [UInt8] {
    try await target.perform("read_file \(path)") { try $0.readFile(ByteString(path), until: $1) }
  }

  /// Returns the whole contents of a file in the guest as text.
  /// - Parameter path: absolute, or relative to `/`.
  /// - Returns: the contents. Bytes that are not UTF-8 become U+FFFD.
  /// - Throws: ``ProviumError``, with the code `refused` if the guest's kernel refuses to open or to read the
  ///   file.
  public final func readText(_ path: String) async throws(ProviumError) -> String {
    String(decoding: try await readFile(path), as: UTF8.self)
  }

  /// Writes a file in the guest. A file that exists is replaced.
  /// - Parameters:
  ///   - path: absolute, or relative to `/`. Its folder must exist.
  ///   - contents: the whole file, of any size.
  ///   - mode: the permission bits of a new file; nil: 0644.
  /// - Throws: ``ProviumError``, with the code `refused` if the guest's kernel refuses to create or to write
  ///   the file.
  public final func writeFile(_ path: String, _ contents: [UInt8], mode: UInt32? = nil)
    async throws(ProviumError)
  {
    try await target.perform("write_file \(path)") {
      try $0.writeFile(ByteString(path), contents, mode: mode, until: $1)
    }
  }

  /// Writes a text file in the guest, in UTF-8. A file that exists is replaced.
  /// - Parameters:
  ///   - path: absolute, or relative to `/`. Its folder must exist.
  ///   - text: the whole file.
  ///   - mode: the permission bits of a new file; nil: 0644.
  /// - Throws: ``ProviumError``, with the code `refused` if the guest's kernel refuses to create or to write
  ///   the file.
  public final func writeFile(_ path: String, _ text: String, mode: UInt32? = nil) async throws(ProviumError)
  {
    try await writeFile(path, Array(text.utf8), mode: mode)
  }

  // MARK: System calls

  /// The system calls of the guest's kernel. A VM, and each of its workers, makes all its calls on one thread
  /// of the guest: descriptors and credentials persist from call to call.
  ///
  /// ```swift
  /// let file = try await vm.syscall.openat(-100, "/etc/passwd", 0)         // throws Errno
  /// let missing = try await vm.syscall("openat", -100, "/missing", 0)      // returns -errno
  /// ```
  public final var syscall: SystemCalls { SystemCalls(target: target) }

  /// Makes an ioctl, and returns its raw result. ``IoctlResult/get()`` throws the kernel's error.
  ///
  /// ```swift
  /// let random = try await vm.syscall.openat(-100, "/dev/random", 0)
  /// let entropy = try await vm.ioctl(Int32(random.value), 0x8004_5200)    // RNDGETENTCNT
  /// try entropy.get()
  /// #expect(entropy.data?.count == 4)
  /// ```
  ///
  /// - Parameters:
  ///   - descriptor: an open file of this VM or worker.
  ///   - command: the number of the request, with its direction and size.
  ///   - data: the struct that the argument points to. It is extended with zeros to the size in `command`.
  ///     nil: a command that reads gets a struct of zeros, any other a null pointer.
  /// - Returns: the value, `-errno` after a failure, and the struct after the call.
  /// - Throws: ``ProviumError`` if the call could not be made.
  @discardableResult
  public final func ioctl(_ descriptor: Int32, _ command: UInt32, _ data: [UInt8]? = nil)
    async throws(ProviumError) -> IoctlResult
  {
    try await target.perform("ioctl") { try $0.ioctl(descriptor, command, data, until: $1) }
  }
}
