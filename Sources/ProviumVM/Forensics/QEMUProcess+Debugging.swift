import ProviumJSON
package import ProviumSystem

/// The debugging of a stopped VM.
extension QEMUProcess {
  /// Listens for one gdb on a new socket, which this user alone can reach in a folder of mode 0700.
  package func listenForDebugger(at path: String, until deadline: Deadline) throws {
    let address = JSONValue.object([
      "type": .string("unix"), "data": .object(["path": .string(path)]),
    ])
    let backend = JSONValue.object([
      "type": .string("socket"),
      "data": .object(["addr": address, "server": .bool(true), "wait": .bool(false)]),
    ])
    try qmp.command("chardev-add", ["id": .string("gdb"), "backend": backend], until: deadline)
    try qmp.command(
      "human-monitor-command",
      ["command-line": .string("gdbserver chardev:gdb")],
      until: deadline
    )
  }

  /// The registers of all processors, as the notes of an ELF core.
  package func registerNotes(in folder: String, until deadline: Deadline) throws -> [UInt8] {
    let path = "\(folder)/registers"
    defer { try? Files.removeTree(path) }
    let arguments: KeyValuePairs<String, JSONValue> = [
      "paging": .bool(false), "protocol": .string("file:\(path)"),
      "begin": .integer(Int64(platform.architecture.memoryStart)), "length": .integer(4096),
    ]
    try qmp.command("dump-guest-memory", arguments, until: deadline)
    return CoreFile.notes(of: try Files.read(path))
  }
}
