import Glibc
import ProviumJSON
package import ProviumSystem

extension VirtualMachine {
  /// A snapshot could not be taken or resumed.
  package struct SnapshotFailure: Error, Sendable, CustomStringConvertible {
    package let description: String
  }

  /// Puts the machine to rest in `folder`, where its memory lies if it was booted for that (`MemoryBacking.sharedFile`); a
  /// machine with private memory takes a stream of everything. The machine is over then, also where that failed: its
  /// connections have taken leave, and its processors may stand still.
  package func save(to folder: String, host: MachineHost, until deadline: Deadline) throws -> Snapshot {
    do { return try write(to: folder, host: host, until: deadline) } catch {
      kill()
      throw error
    }
  }

  private func write(to folder: String, host: MachineHost, until deadline: Deadline) throws -> Snapshot {
    // The agent is at the boundary of a request, and nothing is on its way to it.
    try agent.quiesce(until: deadline)
    let watch = process.watch
    let isStream: Bool
    if case .sharedFile(let path) = process.wiring.memory {
      isStream = false
      if path != "\(folder)/memory" { try Files.rename(path, to: "\(folder)/memory") }
    } else {
      isStream = true
    }
    try process.pause(until: deadline)
    for disk in configuration.servedDisks {
      if let contents = process.disks[disk.id] { try disk.save(contents, to: folder) }
    }
    let diskFiles = try saveDisks(to: folder, until: deadline)
    try watch.migrate(to: "\(folder)/state", ignoringShared: !isStream, until: deadline)
    watch.expectEnd()
    _ = try? watch.command("quit", until: .after(.seconds(2)))
    _ = try? process.child.wait(until: .after(.seconds(5)))
    kill()
    var saved = configuration
    saved.boot.files = []
    return Snapshot(
      folder: folder,
      name: name,
      isStream: isStream,
      conditions: .now(for: saved, platform: process.platform, qemu: qemu),
      configuration: saved,
      diskFiles: diskFiles,
      kernelRelease: image.release,
      lacksFiles: configuration.boot.files.isEmpty ? nil : true,
      secret: process.secret
    )
  }

  /// Copies the disks whose writes are in an overlay that ends with QEMU: the guest's kernel has read them as written.
  /// - Returns: the files that stand for disks in the snapshot, by the disk's number.
  private func saveDisks(to folder: String, until deadline: Deadline) throws -> [Int: DiskFile] {
    var files: [Int: DiskFile] = [:]
    for (number, disk) in configuration.allDisks.enumerated() {
      var file = process.wiring.file(ofDisk: number, disk)
      if file.discardsWrites, !disk.isReadOnly {
        let name = Disk.drive(number)
        try process.watch.copyDisk(number, to: "\(folder)/\(name)", until: deadline)
        file = DiskFile(path: name)
      } else if file.path.hasPrefix("\(folder)/") {
        // Relative: the folder is renamed when the snapshot is published.
        file.path = String(file.path.dropFirst(folder.count + 1))
      }
      files[number] = file
    }
    return files
  }
}

extension MachineWatch {
  /// Writes the machine's state into a file. The machine must be stopped.
  package func migrate(to path: String, ignoringShared: Bool, until deadline: Deadline) throws {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
    try setCapabilities(ignoringShared: ignoringShared, until: deadline)
    // The default limit of 128 MiB/s is for networks.
    try command("migrate-set-parameters", ["max-bandwidth": .integer(1 << 40)], until: deadline)
    try command("getfd", ["fdname": .string("state")], passing: file.raw, until: deadline)
    forgetEvents()
    try command("migrate", ["uri": .string("fd:state")], until: deadline)
    try awaitMigration("save", until: deadline)
  }

  /// Writes what the guest sees on a disk into a new raw image; what was never written stays a hole. The machine must be
  /// stopped.
  package func copyDisk(_ index: Int, to path: String, until deadline: Deadline) throws {
    let name = "copy\(index)"
    // A target that `drive-backup` opens inherits from snapshot=on that it is temporary, and is unlinked; so it is made here.
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
    guard ftruncate(file.raw, try diskSize(index, until: deadline)) == 0 else {
      throw SystemError("size", path)
    }
    let target: KeyValuePairs<String, JSONValue> = [
      "driver": .string("raw"), "node-name": .string(name),
      "file": .object(["driver": .string("file"), "filename": .string(path)]),
    ]
    try command("blockdev-add", target, until: deadline)
    forgetEvents()
    let job: KeyValuePairs<String, JSONValue> = [
      "device": .string("disk\(index)"), "target": .string(name), "sync": .string("full"),
      "job-id": .string(name),
    ]
    try command("blockdev-backup", job, until: deadline)
    let end = try event(until: deadline) {
      $0.name == "BLOCK_JOB_COMPLETED" && $0.data["device"]?.string == name
    }
    guard let end else {
      throw VirtualMachine.SnapshotFailure(
        description: "QEMU did not copy the machine's disk \(index) in time"
      )
    }
    if let reason = end.data["error"]?.string {
      throw VirtualMachine.SnapshotFailure(
        description: "QEMU could not copy the machine's disk \(index): \(reason)"
      )
    }
  }

  /// As the guest sees it.
  private func diskSize(_ index: Int, until deadline: Deadline) throws -> Int {
    let drives = try command("query-block", until: deadline)
    let drive = drives.array?.first { $0["device"]?.string == "disk\(index)" }
    guard case .integer(let size)? = drive?["inserted"]?["image"]?["virtual-size"] else {
      throw VirtualMachine.SnapshotFailure(
        description: "QEMU does not say how large the machine's disk \(index) is"
      )
    }
    return Int(size)
  }

  /// Loads the state that QEMU inherited as `descriptor`.
  package func load(from descriptor: Int32, ignoringShared: Bool, until deadline: Deadline) throws {
    try setCapabilities(ignoringShared: ignoringShared, until: deadline)
    try command("migrate-incoming", ["uri": .string("fd:\(descriptor)")], until: deadline)
    try awaitMigration("load", until: deadline)
  }

  private func setCapabilities(ignoringShared: Bool, until deadline: Deadline) throws {
    let capabilities: [JSONValue] = [("x-ignore-shared", ignoringShared), ("events", true)].map {
      name,
      state in
      .object(["capability": .string(name), "state": .bool(state)])
    }
    try command("migrate-set-capabilities", ["capabilities": .array(capabilities)], until: deadline)
  }

  private func awaitMigration(_ what: String, until deadline: Deadline) throws {
    let event = try event(until: deadline) { event in
      event.name == "MIGRATION"
        && ["completed", "failed", "cancelled"].contains(event.data["status"]?.string)
    }
    guard let event else {
      throw VirtualMachine.SnapshotFailure(description: "QEMU did not \(what) the machine's state in time")
    }
    guard event.data["status"]?.string == "completed" else {
      throw VirtualMachine.SnapshotFailure(description: "QEMU could not \(what) the machine's state")
    }
  }
}
