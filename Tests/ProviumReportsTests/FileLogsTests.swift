import ProviumEvents
import ProviumReports
import ProviumSystem
import Testing

@Suite("Logs of files") struct FileLogsTests {
  private func run(_ logs: FileLogs, _ events: [TimedEvent] = SampleRun.events) throws {
    try events.replay(into: [logs])
  }

  @Test("are kept only for files that failed in any attempt") func kept() throws {
    let scratch = try Scratch()
    try run(FileLogs(folder: scratch.path))
    #expect(try Files.list(scratch.path) == ["net", "token.lua.log", "weird.lua.log"])
    #expect(try Files.list("\(scratch.path)/net") == ["tcp.lua.log"])
  }

  @Test("are kept for all files when that was asked for") func keptAll() throws {
    let scratch = try Scratch()
    try run(FileLogs(folder: scratch.path, keepsAll: true))
    #expect(try Files.list(scratch.path).count == 6)
  }

  @Test("have every event of the file, with its time") func contents() throws {
    let scratch = try Scratch()
    try run(FileLogs(folder: scratch.path))
    let log = try Files.readText("\(scratch.path)/token.lua.log")
    #expect(
      log.hasPrefix("[    0.010] === token.lua ===\n[    0.040] waits for 256M memory and 1 processor\n")
    )
    for part in [
      "VM 2 answers after 1.1s, kernel 6.1.0", "--- failed: denies others (1.1s)",
      "expected \"0\", got \"-13\"",
      "--- last operations ---", "[    1.0] audit: denied", "=== failed (2.1s) ===",
    ] { #expect(log.contains(part), "\(part)") }
    let retried = try Files.readText("\(scratch.path)/net/tcp.lua.log")
    #expect(
      retried.contains("=== net/tcp.lua, attempt 2 ===") && retried.contains("QEMU ended with signal 9")
    )
  }

  @Test("of a file without an end are kept up to the last event") func interrupted() throws {
    let scratch = try Scratch()
    try run(FileLogs(folder: scratch.path), SampleRun.interrupted)
    #expect(
      try Files.readText("\(scratch.path)/token.lua.log").hasSuffix(
        "--- test denies others (tests/token.lua:14)\n"
      )
    )
  }

  @Test(
    "are inside the run's folder, whatever the file's path",
    arguments: [
      ("../../etc/passwd", "/r/__/__/etc/passwd.log"), ("/abs/./a.lua", "/r/abs/a.lua.log"),
      ("", "/r/script.log"),
    ]
  )
  func confined(file: String, path: String) { #expect(FileLogs.path(of: file, in: "/r") == path) }

  @Test("the log of a failed file ends with the consoles and kernel logs of its VMs, whole or with a path")
  func consoles() throws {
    let scratch = try Scratch()
    let files = [
      (MachineFiles.console(of: 2, in: scratch.path), "booting\nlast \u{1b}[31mwords\n"),
      (MachineFiles.kernelLog(of: 2, in: scratch.path), "[    0.000000] Linux version 6.1\n"),
    ]
    try Files.createDirectories("\(scratch.path)/consoles")
    for (path, text) in files { try Files.write(Array(text.utf8), to: path) }
    // That of another file's VM.
    try Files.write(Array("not this one\n".utf8), to: MachineFiles.console(of: 1, in: scratch.path))
    try run(FileLogs(folder: scratch.path))
    let log = try Files.readText("\(scratch.path)/token.lua.log")
    #expect(log.contains("--- console of VM 2: \(files[0].0) ---"), "\(log)")
    #expect(log.contains("booting\n") && log.contains("last words\n"), "\(log)")
    #expect(log.contains("--- kernel log of VM 2: \(files[1].0) ---"))
    #expect(log.contains("Linux version 6.1\n") && !log.contains("not this one"))

    try Files.write([UInt8](repeating: 0x61, count: 5 << 20) + Array("\nend\n".utf8), to: files[0].0)
    try run(FileLogs(folder: scratch.path))
    let long = try Files.readText("\(scratch.path)/token.lua.log")
    #expect(long.contains("--- console of VM 2: the last 4 MiB of \(files[0].0) ---"))
    #expect(long.contains("end\n"))
  }

  @Test("are named below the results on the terminal") func found() throws {
    let scratch = try Scratch()
    var header = SampleRun.header
    header.runDirectory = scratch.path
    var result = SampleRun.token
    result.logPath = nil
    let logs = FileLogs()
    let collected = Collected()
    let reporter = PlainReporter(output: collected.output)
    let events: [RunEvent] = [
      .runStarted(header), .fileStarted(file: result.file, attempt: 0), .fileEnded(result),
    ]
    for event in events + [.runEnded(RunSummary(counting: [result]))] {
      reporter.receive(event, at: 1)
      logs.receive(event, at: 1)
    }
    #expect(collected.text.contains("Failed test logs:\n  token.lua  →  \(scratch.path)/token.lua.log\n"))
  }
}
