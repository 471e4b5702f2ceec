import Glibc
import ProviumSystem
import Testing

@Suite("A fork server") struct ForkServerTests {
  /// Runs a shell command in a forked shell that writes to descriptor 9.
  private func output(of command: String, from server: ForkServer, directory: String? = nil) throws -> String
  {
    let pipe = try Descriptor.pipe()
    let child = try server.start(
      ["-c", command, "name", "one argument", ""],
      directory: directory,
      descriptors: [9: pipe.write.raw]
    )
    let output = pipe.closingWrite()
    #expect(try child.wait(until: .after(.seconds(10))) == .exited(0))
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = read(output.raw, &buffer, buffer.count)
    return String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
  }

  @Test("a process that was forked is a child of this process with its own number and session")
  func child() throws {
    let server = try ForkServer(of: "/bin/sh")
    var seen: Set<String> = []
    for _ in 0..<3 {
      let fields = try output(of: "read line < /proc/$$/stat; echo $line >&9", from: server).split(
        separator: " "
      )
      #expect(fields[1] == "(sh)" && fields[3] == "\(getpid())")
      // The number of the process, its group and its session.
      #expect(fields[0] == fields[4] && fields[0] == fields[5])
      seen.insert(String(fields[0]))
    }
    #expect(seen.count == 3)
  }

  @Test(
    "a process that was forked has its arguments, environment and directory, as programs and /proc see them"
  )
  func arguments() throws {
    let server = try ForkServer(of: "/bin/sh")
    let text = try output(
      of:
        #"echo "$0|$1|$2|$#|$HOME|$LD_PRELOAD|$PROVIUM_FORK_PROGRAM|$PWD" >&9; tr '\0' '+' < /proc/$$/cmdline >&9"#,
      from: server,
      directory: "/usr"
    )
    let lines = text.split(separator: "\n", maxSplits: 1)
    let home = getenv("HOME").map { String(cString: $0) } ?? ""
    #expect(lines.first == "name|one argument||2|\(home)|||/usr")
    #expect(
      lines.last?.hasPrefix("/bin/sh+-c+echo ") == true
        && lines.last?.hasSuffix("+name+one argument++") == true
    )
    let environment = try output(of: #"tr '\0' '\n' < /proc/$$/environ | grep ^HOME= >&9"#, from: server)
    #expect(environment == "HOME=\(home)\n")
  }

  @Test("a process that was forked gets the descriptors it was given, and no others") func descriptors()
    throws
  {
    let server = try ForkServer(of: "/bin/sh")
    // 3 is the directory that ls lists.
    #expect(try output(of: "ls /proc/self/fd | tr '\\n' ' ' >&9", from: server) == "0 1 2 3 9 ")
  }

  @Test("a process that cannot enter its directory says so and exits with 127") func missingDirectory() throws
  {
    let server = try ForkServer(of: "/bin/sh")
    let pipe = try Descriptor.pipe()
    let child = try server.start(
      ["-c", "true"],
      directory: "/no/such/directory",
      descriptors: [2: pipe.write.raw]
    )
    #expect(try child.wait(until: .after(.seconds(10))) == .exited(127))
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = read(pipe.read.raw, &buffer, buffer.count)
    #expect(
      String(decoding: buffer.prefix(max(0, count)), as: UTF8.self)
        == "cannot start a process: /no/such/directory: No such file or directory\n"
    )
  }

  @Test("a server ends when it is released, and the processes that it started live on") func released() throws
  {
    let pipe = try Descriptor.pipe()
    var server: ForkServer? = try ForkServer(of: "/bin/sh")
    let number = try #require(server?.processID)
    let child = try #require(
      try server.map {
        try $0.start(
          ["-c", "read line; echo $line >&9"],
          descriptors: [0: pipe.read.raw, 9: pipe.write.raw]
        )
      }
    )
    server = nil
    #expect(kill(number, 0) == -1)
    #expect(child.poll() == nil)
    try Files.writeAll(Array("on\n".utf8), to: pipe.write.raw, path: "pipe")
    #expect(try child.wait(until: .after(.seconds(10))) == .exited(0))
  }

  /// Prints the state of `library`, whether a mutex notes this thread as its owner, and whether a signal to this thread arrives.
  private static let probe = """
    #define _GNU_SOURCE
    #include <pthread.h>
    #include <signal.h>
    #include <stdio.h>
    #include <string.h>
    #include <unistd.h>
    int library_state(void);
    static void on_signal(int number) { (void)number; }
    int main(int count, char **arguments) {
      if (count > 1 && strcmp(arguments[1], "--version") == 0) return 0;
      pthread_mutex_t lock;
      pthread_mutexattr_t kind;
      pthread_mutexattr_init(&kind);
      pthread_mutexattr_settype(&kind, PTHREAD_MUTEX_ERRORCHECK);
      pthread_mutex_init(&lock, &kind);
      int owned = pthread_mutex_lock(&lock) == 0 && lock.__data.__owner == gettid();
      signal(SIGUSR1, on_signal);
      int reached = pthread_kill(pthread_self(), SIGUSR1) == 0;
      dprintf(9, "%d %d %d", library_state(), owned, reached);
      return 0;
    }
    """
  private static let library = """
    #include <pthread.h>
    static int state = 0;
    static void prepare(void) { state += 100; }
    static void in_parent(void) { state -= 100; }
    static void in_child(void) { state += 1; }
    __attribute__((constructor)) static void begin(void) { pthread_atfork(prepare, in_parent, in_child); }
    int library_state(void) { return state; }
    """

  @Test("libraries learn of a fork, and the libc knows its new thread") func libraries() throws {
    let scratch = try Scratch()
    let folder = scratch.path
    try Files.write(Array(Self.probe.utf8), to: "\(folder)/probe.c")
    try Files.write(Array(Self.library.utf8), to: "\(folder)/library.c")
    _ = try ToolRun.run("cc", ["-shared", "-fPIC", "-o", "libstate.so", "library.c"], directory: folder)
    _ = try ToolRun.run(
      "cc",
      ["-o", "probe", "probe.c", "-L.", "-lstate", "-Wl,-rpath,\(folder)"],
      directory: folder
    )
    let server = try ForkServer(of: "\(folder)/probe")
    // Each clone has the state of the server and one handler of its own.
    for _ in 0..<2 { #expect(try output(of: "", from: server) == "101 1 1") }
  }
}

@Suite("Programs started by fork servers") struct ForkServersTests {
  private func start(
    _ servers: ForkServers,
    _ program: String,
    reasons: inout [String]
  ) throws -> ProviumSystem.ExitStatus? {
    let child = try servers.start(
      program,
      ["-c", "exit 7"],
      directory: "/",
      descriptors: [:],
      failed: { reasons.append($0) }
    )
    return try child.wait(until: .after(.seconds(10)))
  }

  @Test("a script is executed with its arguments, and says why it is not forked") func script() throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/program"
    try Files.write(Array("#!/bin/sh\nexec /bin/sh \"$@\"\n".utf8), to: path, mode: 0o755)
    let servers = ForkServers()
    var reasons: [String] = []
    for _ in 0..<2 { #expect(try start(servers, path, reasons: &reasons) == .exited(7)) }
    #expect(
      reasons.count == 1 && reasons[0].hasPrefix("the program is executed: it is a script"),
      "\(reasons)"
    )
  }

  @Test("a server that was killed is replaced") func killed() throws {
    // A copy, so that no other test's servers are of the same program.
    let scratch = try Scratch()
    let path = "\(scratch.path)/program"
    try Files.write(try Files.read("/bin/sh"), to: path, mode: 0o755)
    let servers = ForkServers()
    var reasons: [String] = []
    #expect(try start(servers, path, reasons: &reasons) == .exited(7))
    let before = processes(of: path)
    try #require(before.count == 1)
    kill(before[0], SIGKILL)
    #expect(try start(servers, path, reasons: &reasons) == .exited(7))
    #expect(reasons == ["the fork server has ended"])
    let after = processes(of: path).filter { $0 != before[0] }
    #expect(after.count == 1)
    servers.end()
    #expect(processes(of: path) == [])
  }

  @Test("without fork servers a program is executed") func off() throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/program"
    try Files.write(try Files.read("/bin/sh"), to: path, mode: 0o755)
    let servers = ForkServers(isEnabled: false)
    var reasons: [String] = []
    #expect(try start(servers, path, reasons: &reasons) == .exited(7))
    #expect(reasons == [] && processes(of: path) == [])
  }

  @Test("programs are started by many threads at once") func threads() throws {
    let servers = ForkServers()
    let threads = try (0..<8).map { number in
      try DedicatedThread(name: "start-\(number)") {
        for _ in 0..<20 {
          var reasons: [String] = []
          if (try? start(servers, "/bin/sh", reasons: &reasons)) != .exited(7) || !reasons.isEmpty {
            Issue.record("thread \(number): \(reasons)")
          }
        }
      }
    }
    threads.forEach { $0.join() }
  }

  /// Running processes of a program, by its path.
  private func processes(of path: String) -> [pid_t] {
    ((try? Files.list("/proc")) ?? []).compactMap { pid_t($0) }.filter {
      var target = [CChar](repeating: 0, count: 4096)
      let length = readlink("/proc/\($0)/exe", &target, target.count - 1)
      return length > 0
        && String(decoding: target[..<length].map { UInt8(bitPattern: $0) }, as: UTF8.self) == path
    }
  }
}
