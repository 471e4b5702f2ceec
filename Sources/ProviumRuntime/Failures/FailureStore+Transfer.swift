import Glibc
import ProviumSystem
import ProviumVM

/// Kept VMs as single files, for another host. Uses tar and zstd.
extension FailureStore {
  private static let limit = Duration.seconds(600)
  /// The files that a kept VM may have. Names of disks follow `Snapshot.fileNames`.
  private static let folders: Set<String> = [KeptFailure.beforeName]

  /// Writes a kept VM into one compressed file, which is replaced as a whole.
  package func export(_ failure: KeptFailure, to path: String) throws {
    let partial = "\(path).partial"
    do {
      _ = try ToolRun.run(
        "tar",
        [
          "--create", "--sparse", "--use-compress-program=zstd -T0 -q", "--file=\(partial)",
          "--directory=\(failure.folder)", ".",
        ],
        deadline: .after(Self.limit)
      )
      chmod(partial.cPath, 0o600)
      try Files.rename(partial, to: path)
    } catch {
      try? Files.removeTree(partial)
      throw KeptFailureError.notPossible(id: failure.id, reason: "it cannot be exported to \(path): \(error)")
    }
  }

  /// Adds a VM that `export` wrote. It keeps its ID unless that is taken.
  /// - Returns: its ID.
  package func `import`(_ path: String) throws -> String {
    let saving = try begin()
    do {
      _ = try ToolRun.run(
        "tar",
        [
          "--extract", "--sparse", "--no-same-owner", "--no-same-permissions",
          "--use-compress-program=zstd -q",
          "--file=\(path)", "--directory=\(saving.path)",
        ],
        deadline: .after(Self.limit)
      )
      try Self.check(saving.path, depth: 0)
      var failure = try KeptFailure.read(saving.path)
      // Its values become arguments of QEMU.
      try failure.snapshot.configuration.validate()
      let isID =
        failure.id.utf8.count == 8 && Hex.bytes(failure.id) != nil && failure.id == failure.id.lowercased()
      if !isID || Files.exists("\(folder)/\(failure.id)") { failure.id = newID() }
      try saving.publish(failure)
      makeRoom()
      return failure.id
    } catch {
      throw KeptFailureError.notImported(path: path, reason: "\(error)")
    }
  }

  /// The archive comes from another host: links and special files in it could lead anywhere.
  private static func check(_ folder: String, depth: Int) throws {
    chmod(folder.cPath, 0o700)
    for name in try Files.list(folder) {
      let path = "\(folder)/\(name)"
      if depth == 0, folders.contains(name), Files.isDirectory(path), !Files.isSymbolicLink(path) {
        try check(path, depth: 1)
        continue
      }
      guard !Files.isSymbolicLink(path), Files.isRegularFile(path) else {
        throw KeptFailure.Unreadable(description: "\(name) in it is not a regular file")
      }
      chmod(path.cPath, 0o600)
    }
  }
}
