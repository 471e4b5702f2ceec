import ProviumSystem
import ProviumVM

/// gdb and cores of a kept VM.
extension OpenedFailure {
  /// The arguments for gdb or drgn, and what it knows.
  package struct DebuggerSession: Sendable {
    package let arguments: [String]
    /// For the user: where symbols come from.
    package let remark: String
  }

  private func guestMemory() throws -> GuestMemory {
    try GuestMemory(
      memory,
      size: failure.snapshot.memory,
      architecture: failure.snapshot.conditions.architecture
    )
  }

  /// Makes gdb's socket and finds symbols.
  /// - Parameter vmlinux: the user's; nil: it is looked for, and without one symbols are taken from the guest's memory.
  package func startDebugger(vmlinux: String?) throws -> DebuggerSession {
    let guest = try guestMemory()
    let kernel = try KernelInformation(in: guest)
    let cache = services.configuration.settings.cache
    let files = try KernelFiles(vmlinux, of: failure, kernel, in: services.configuration)
    let socket = "\(services.run.path)/gdb"
    try process.listenForDebugger(at: socket, until: deadline)
    let index = "\(cache)/gdb-index"
    var lines = [
      "set confirm off", "set pagination off", "set index-cache directory \(index)",
      "set index-cache enabled on",
    ]
    var remark: String
    if let files {
      // KASLR has moved the kernel, unless it was booted by its vmlinux.
      let offset = kernel?.textOffset ?? 0
      let moved = offset == 0 ? "" : " -o 0x\(String(offset, radix: 16))"
      lines.append("symbol-file\(moved) \(files.vmlinux)")
      if let script = files.script {
        lines += ["add-auto-load-safe-path \(Files.parent(of: script))", "source \(script)"]
      }
      remark = "symbols of \(files.vmlinux)"
      if kernel == nil { remark += "; the guest's memory has no VMCOREINFO, so KASLR is not known" }
    } else if let kernel, let path = symbolFile(kernel, guest) {
      lines.append("symbol-file \(path)")
      remark =
        "symbols of kernel \(kernel.release) from its memory: no types and no lines; for these, install its debug package "
        + "(linux-image-\(kernel.release)-dbg) or name its vmlinux with --vmlinux"
      if guest.architecture == .x86_64 {
        let script = "\(services.run.path)/unwinder.py"
        try StackUnwinder.write(to: script, release: kernel.release)
        lines.append("source \(script)")
      }
    } else {
      remark = "no symbols: the kernel keeps none that Provium can read; name its vmlinux with --vmlinux"
    }
    lines.append("target remote \(socket)")
    if let files {
      let script = "\(services.run.path)/modules.py"
      try ModuleSymbols.write(to: script, places: files.modulePlaces)
      lines.append("source \(script)")
    }
    return DebuggerSession(
      arguments: ["-q"] + lines.flatMap { ["-ex", $0] },
      remark: remark
    )
  }

  /// Writes the symbols that the guest's memory has; nil: there are none that can be read.
  private func symbolFile(_ kernel: KernelInformation, _ guest: GuestMemory) -> String? {
    let path = "\(services.run.path)/kernel-symbols"
    guard let symbols = KernelSymbols(kernel),
      (try? SymbolFile.write(symbols, machine: guest.architecture.elfMachine, to: path)) != nil
    else { return nil }
    return path
  }

  /// Writes a core into the run's folder and finds the debug information that drgn needs.
  /// - Parameter vmlinux: the user's; nil: it is looked for, and without one drgn looks for itself.
  package func startDrgn(vmlinux: String?) throws -> DebuggerSession {
    let kernel = try KernelInformation(in: guestMemory())
    let files = try KernelFiles(vmlinux, of: failure, kernel, in: services.configuration)
    let core = "\(services.run.path)/core"
    try writeCore(to: core)
    guard let files else {
      let release = kernel?.release ?? ""
      return DebuggerSession(
        arguments: ["-c", core],
        remark:
          "no debug information of kernel \(release): install linux-image-\(release)-dbg, or name its vmlinux with --vmlinux"
      )
    }
    return DebuggerSession(
      arguments: ["-c", core, "-s", files.vmlinux],
      remark: "symbols of \(files.vmlinux)"
    )
  }

  /// Writes an ELF core that crash and drgn open.
  /// - Throws: `KeptFailureError`.
  package func writeCore(to path: String) throws {
    let guest = try guestMemory()
    guard let kernel = try KernelInformation(in: guest) else {
      throw KeptFailureError.notPossible(
        id: failure.id,
        reason:
          "no core can be made: the guest's memory has no VMCOREINFO (CONFIG_CRASH_DUMP or CONFIG_KEXEC)"
      )
    }
    let notes = try process.registerNotes(in: services.run.path, until: deadline)
    do {
      try CoreFile.write(guest, kernel, registers: notes, pids: runningProcesses, to: path)
    } catch {
      try? Files.removeTree(path)
      if let problem = error as? CoreFile.Problem {
        throw KeptFailureError.notPossible(id: failure.id, reason: "no core can be made: \(problem)")
      }
      throw error
    }
  }

  /// The processes of processors, as the last kernel report of the console names them: `CPU: 0 PID: 87 Comm: sh`.
  private var runningProcesses: [Int: UInt32] {
    guard let text = try? Files.read(failure.consolePath) else { return [:] }
    var pids: [Int: UInt32] = [:]
    for line in String(decoding: text, as: UTF8.self).split(whereSeparator: \.isNewline) {
      guard let range = line.firstRange(of: "CPU: ") else { continue }
      let words = line[range.upperBound...].split(separator: " ")
      if words.count > 2, let processor = Int(words[0]), words[1] == "PID:", let pid = UInt32(words[2]) {
        pids[processor] = pid
      }
    }
    return pids
  }
}
