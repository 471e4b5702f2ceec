import Glibc
import ProviumSystem
import Testing

@testable import ProviumRuntime

@Suite("Scripts for gdb", .enabled(if: ToolRun.find("gdb") != nil, "gdb is not installed"))
struct DebuggerScriptTests {
  @Test(
    "gdb runs the script, finds files whatever their folders are called, and says why there are no symbols"
  )
  func modules() throws {
    let folder = "/tmp/provium-modules-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    defer { try? Files.removeTree(folder) }
    let place = "\(folder)/a \"quoted\" 'name'\\"
    for path in ["\(place)/some-thing.ko", "\(place)/1/2/deep.ko", "\(place)/1/2/3/deeper.ko"] {
      try Files.createDirectories(Files.parent(of: path))
      try Files.write([], to: path)
    }
    let script = "\(folder)/modules.py"
    try ModuleSymbols.write(
      to: script,
      places: [
        DebugFolders.ModulePlace(path: place, levels: 3),
        DebugFolders.ModulePlace(path: "\(folder)/none", levels: 3),
        DebugFolders.ModulePlace(path: "\(place)/1/2/deep.ko", levels: 3),
      ]
    )
    let run = try ToolRun.run(
      "gdb",
      ["-nx", "-batch", "-ex", "source \(script)", "-ex", "python print(sorted(candidates().items()))"],
      directory: folder
    )
    #expect(run.outputText.contains("no symbols of modules: No "), "\(run.outputText)\(run.errorText)")
    #expect(run.outputText.contains("('some_thing', ["))
    // Once in the folder, once as a file of its own.
    #expect(run.outputText.split(separator: "deep.ko").count == 3, "\(run.outputText)")
    #expect(!run.outputText.contains("deeper"))
  }

  @Test(
    "the script for call traces reads the entries of each kernel's form",
    arguments: [
      ("6.1.0-56-cloud-amd64", [0, 1, 2, 3, 3, 3, 3, 3, 0]),
      ("6.3.2", [0, 1, 2, 3, 0, 1, 2, 3, 3]),
      ("6.12-rc1", [3, 3, 0, 1, 2, 3, 3, 3, 3]),
    ]
  )
  func unwinder(release: String, kinds: [Int]) throws {
    let script = "/tmp/provium-unwinder-\(getpid())-\(UInt32.random(in: 0 ... .max)).py"
    defer { try? Files.removeTree(script) }
    try StackUnwinder.write(to: script, release: release)
    let run = try ToolRun.run(
      "gdb",
      [
        "-nx", "-batch", "-ex", "source \(script)", "-ex", "python print([kind(bits) for bits in range(9)])",
        "-ex", "info unwinder",
      ]
    )
    #expect(
      run.outputText.contains("\(kinds)") && run.outputText.contains("provium-orc"),
      "\(run.outputText)"
    )
    #expect(run.errorText.isEmpty)
  }
}
