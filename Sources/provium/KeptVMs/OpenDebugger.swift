import ArgumentParser
import Glibc
import ProviumRunner
import ProviumRuntime
import ProviumSystem
import ProviumVM

/// gdb, drgn, and cores of a kept VM: `provium open --gdb`, `--drgn`, `--core`.
struct OpenDebugger {
  let session: OpenSession
  /// The user's file with debug information; nil: it is looked for.
  let vmlinux: String?

  init(_ session: OpenSession, vmlinux: String?) {
    self.session = session
    self.vmlinux = vmlinux.map { Files.resolve($0, against: Files.currentDirectory) }
  }

  /// Runs gdb on a stopped copy, on the user's terminal.
  /// - Returns: gdb's exit code.
  func runGDB() throws -> Int32 {
    // gdb itself debugs guests of the host's architecture alone.
    let isForeign = session.failure.snapshot.conditions.architecture.name != HostFacts.machine
    let name = isForeign ? "gdb-multiarch" : "gdb"
    let program = try find(name, package: name)
    session.printSummary()
    return try session.withCopy { copy in
      let debugger = try copy.startDebugger(vmlinux: vmlinux)
      Console.error("provium: \(debugger.remark)")
      return try runOnTerminal(program, debugger.arguments)
    }
  }

  /// Runs drgn on a core of the VM, on the user's terminal. The core is removed afterwards.
  /// - Returns: drgn's exit code.
  func runDrgn() throws -> Int32 {
    let program = try find("drgn", package: "python3-drgn")
    session.printSummary()
    return try session.withCopy { copy in
      let drgn = try copy.startDrgn(vmlinux: vmlinux)
      copy.close()
      Console.error("provium: \(drgn.remark)")
      return try runOnTerminal(program, drgn.arguments)
    }
  }

  /// Writes a core to a new file.
  func writeCore(to path: String) throws {
    let path = Files.resolve(path, against: Files.currentDirectory)
    try session.withCopy { try $0.writeCore(to: path) }
    let release = session.failure.snapshot.kernelRelease ?? ""
    Console.print(
      "\(Files.display(path)): \(Quantity.text(bytes: Files.blocks(path))), a core of kernel \(release)"
    )
  }

  private func find(_ name: String, package: String) throws -> String {
    guard let program = ToolRun.find(name) else {
      throw ValidationError("\(name) is not installed: apt-get install \(package)")
    }
    return program
  }

  /// Runs a program in the foreground of the user's terminal, and blocks until it ends.
  private func runOnTerminal(_ program: String, _ arguments: [String]) throws -> Int32 {
    // The program takes Ctrl-C itself.
    _ = try SignalThread { number, _ in if number != SIGINT { _exit(ExitStatusCode.signal(number)) } }
    let child = try ChildProcess(
      executable: program,
      arguments: arguments,
      descriptors: [0: 0, 1: 1, 2: 2],
      inNewSession: false
    )
    let isTerminal = isatty(0) == 1
    if isTerminal {
      // The program's process group is the terminal's foreground until it ends.
      _ = signal(SIGTTOU, SIG_IGN)
      _ = tcsetpgrp(0, child.pid)
      _ = kill(-child.pid, SIGCONT)
    }
    defer { if isTerminal { _ = tcsetpgrp(0, getpgrp()) } }
    return try child.wait(until: .never)?.shellCode ?? ExitStatusCode.notJudged
  }
}
