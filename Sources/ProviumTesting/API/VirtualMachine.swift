import ProviumRunner
import ProviumAgentClient
import ProviumBoot
import ProviumRuntime
import ProviumSystem
import ProviumVM
import Synchronization
import Testing

/// A virtual machine that runs a real Linux kernel, for tests written in Swift.
///
/// ```swift
/// @Test(.fixture("base")) func uptime() async throws {
///   let vm = try VirtualMachine.current
///   let result = try await vm.exec("cat /proc/uptime")
///   #expect(result.isSuccess)
/// }
/// ```
///
/// It is admitted by the same resource pool, takes the same fixtures, and has the same time limits as the machines of Lua
/// tests: each operation that of `op_timeout`, all of them together that of `timeout` in `provium.toml`. It ends when
/// ``shutdown()`` or ``kill()`` is called, or when nobody holds it any more. Operations run one after the other; all of them
/// throw ``ProviumError``.
///
/// A kernel report (panic, oops, WARNING …) that its console has shown by then is recorded as an issue by ``shutdown()``,
/// ``kill()``, and the end of a test with the trait `.fixture("…")`.
public final class VirtualMachine: Guest {
  let thread: MachineThread
  /// For the operations of ``Guest``.
  public var handle: GuestHandle { GuestHandle(thread: thread, worker: nil) }

  /// The machine that the trait `.fixture("…")` gave to the running test.
  @TaskLocal static var given: VirtualMachine?
  /// By which the resource pool knows the running test: it waits for a second machine before those who have none.
  @TaskLocal static var owner: Int?

  /// The machine that the trait `.fixture("…")` gave to the running test.
  /// - Throws: ``ProviumError`` outside of a test with that trait.
  public static var current: VirtualMachine {
    get throws {
      if let given { return given }
      throw ProviumError(.invalidUse, "this test has no machine: add the trait .fixture(\"…\") to it")
    }
  }

  private init(_ thread: MachineThread) { self.thread = thread }
  deinit { thread.close() }

  /// What a machine is to be. The same options as `vm:boot{…}` of Lua.
  public struct Options: Sendable {
    /// A `[profile.NAME]` of `provium.toml`; `default` boots a distribution's kernel.
    public var profile = "default"
    /// MiB; at least 64.
    public var memory = 512
    /// Processors; 1 to 255.
    public var cpus = 1
    /// More of the kernel command line.
    public var append = ""
    /// Files to be put into the guest before it boots: contents and mode, by absolute guest path.
    public var files: [String: (contents: [UInt8], mode: UInt32)] = [:]
    /// Host paths of raw disk images, relative to the folder of `provium.toml`: `/dev/vda` and on.
    public var disks: [String] = []

    /// One processor, 512 MiB, the default profile.
    public init() {}
  }

  /// Boots a machine and waits until it answers.
  public static func boot(_ options: Options = Options()) async throws -> VirtualMachine {
    guard options.memory > 0 else {
      throw ProviumError(.invalidUse, "memory: \(options.memory) MiB is not accepted")
    }
    let configuration = MachineConfiguration(
      profile: options.profile,
      memory: .mebibytes(UInt64(options.memory)),
      cpus: options.cpus,
      append: options.append,
      disks: options.disks.map { .image($0) },
      files: options.files.sorted { $0.key < $1.key }.map { path, file in
        GuestFile(path, file.contents, mode: file.mode)
      }
    )
    return try await start { try $0.boot(configuration) }
  }

  /// Resumes the fixture `fixtures/NAME.lua`: builds it first where it is not current.
  public static func resume(_ fixture: String) async throws -> VirtualMachine {
    try await start { try $0.resume(fixture: fixture) }
  }

  private static func start(_ body: @escaping @Sendable (NativeMachine) throws -> Void) async throws
    -> VirtualMachine
  {
    guard let engine = SharedEngine.engine else { throw ProviumError(.unavailable, SharedEngine.complaint) }
    let owner = owner ?? TaskOwners.shared.ownerOfThisTask()
    let name = Test.current?.name ?? "swift test \(owner)"
    let scope = ScopeControl(name: name, owner: owner, services: engine.services)
    let thread = try MachineThread(scope, engine: engine)
    do { try await thread.run(body) } catch {
      thread.close()
      throw error
    }
    return VirtualMachine(thread)
  }

  /// Starts a worker: a copy of the agent with its own credentials, memory and descriptors, or (`thread`) a thread of the
  /// agent's process with its own credentials.
  public func spawn(thread isThread: Bool = false) async throws -> Worker {
    Worker(pid: try await thread.run { try $0.spawn(thread: isThread) }, thread: thread)
  }

  /// The last lines of the console.
  public var console: [String] {
    get async throws { try await thread.run { $0.console } }
  }

  /// Asks the guest to power off, waits, then forces. Twice is fine.
  public func shutdown() async throws {
    try await finish { $0.shutDown() }
  }

  /// Ends the machine now. Twice is fine.
  public func kill() async throws {
    try await finish { $0.end() }
  }

  private func finish(_ end: @escaping @Sendable (NativeMachine) -> Void) async throws {
    let report = try await thread.finish { machine -> String? in
      end(machine)
      return machine.takeReports()
    }
    guard case .some(.some(let text)) = report else { return }
    let comment = Comment(rawValue: XMLText.clean(text))
    if let location = Test.current?.sourceLocation {
      Issue.record(comment, sourceLocation: location)
    } else {
      Issue.record(comment)
    }
  }
}

/// Numbers by which the resource pool tells tests apart that have no trait of ours: one for each task. Machines that one test
/// makes one after the other are one owner's.
private final class TaskOwners: Sendable {
  static let shared = TaskOwners()
  private let numbers = Mutex<[Int: Int]>([:])

  func ownerOfThisTask() -> Int {
    guard let task = withUnsafeCurrentTask(body: { $0?.hashValue }) else { return SharedEngine.nextNumber() }
    return numbers.withLock { numbers in
      if let number = numbers[task] { return number }
      let number = SharedEngine.nextNumber()
      numbers[task] = number
      return number
    }
  }
}

/// A process in the guest with credentials and descriptors of its own: see ``VirtualMachine/spawn(thread:)``.
public struct Worker: Guest {
  /// In the guest: of a thread worker, the thread's id.
  public let pid: Int32
  let thread: MachineThread
  /// For the operations of ``Guest``.
  public var handle: GuestHandle { GuestHandle(thread: thread, worker: pid) }

  /// Kills it, and waits until it is gone.
  public func kill() async throws {
    let pid = pid
    try await thread.run { try $0.kill(worker: pid) }
  }
}
