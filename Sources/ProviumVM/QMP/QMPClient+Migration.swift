import Glibc
import ProviumJSON
package import ProviumSystem

/// The state of the VM and its disks, in files.
extension QMPClient {
  /// Writes the VM's state into a file. The VM must be stopped.
  package func migrate(to path: String, ignoringShared: Bool, until deadline: Deadline) throws {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
    try setCapabilities(ignoringShared: ignoringShared, until: deadline)
    // The default limit of 128 MiB/s is for networks.
    try command("migrate-set-parameters", ["max-bandwidth": .integer(1 << 40)], until: deadline)
    try command("getfd", ["fdname": .string("state")], passing: file.raw, until: deadline)
    forgetEvents()
    try command("migrate", ["uri": .string("fd:state")], until: deadline)
    try awaitMigration("save the machine's state", until: deadline)
  }

  /// Loads the state that QEMU inherited as `descriptor`.
  package func load(from descriptor: Int32, ignoringShared: Bool, until deadline: Deadline) throws {
    try setCapabilities(ignoringShared: ignoringShared, until: deadline)
    try command("migrate-incoming", ["uri": .string("fd:\(descriptor)")], until: deadline)
    try awaitMigration("load the machine's state", until: deadline)
  }

  private func setCapabilities(ignoringShared: Bool, until deadline: Deadline) throws {
    let capabilities: [JSONValue] = [("x-ignore-shared", ignoringShared), ("events", true)].map {
      name,
      state in
      .object(["capability": .string(name), "state": .bool(state)])
    }
    try command("migrate-set-capabilities", ["capabilities": .array(capabilities)], until: deadline)
  }

  private func awaitMigration(_ job: String, until deadline: Deadline) throws {
    let event = try event(until: deadline) { event in
      event.name == "MIGRATION"
        && ["completed", "failed", "cancelled"].contains(event.data["status"]?.string)
    }
    guard let event else { throw QMPError.jobTimedOut(job) }
    guard event.data["status"]?.string == "completed" else { throw QMPError.jobFailed(job, reason: nil) }
  }

  /// Writes the content of a disk, as the guest sees it, into a new raw image. Ranges that were never written are holes. The
  /// VM must be stopped.
  package func copyDisk(_ index: Int, to path: String, until deadline: Deadline) throws {
    let name = "copy\(index)"
    // `drive-backup` would open the target with snapshot=on of the source, and remove it. So the file is made here.
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
    let backup: KeyValuePairs<String, JSONValue> = [
      "device": .string("disk\(index)"), "target": .string(name), "sync": .string("full"),
      "job-id": .string(name),
    ]
    try command("blockdev-backup", backup, until: deadline)
    let end = try event(until: deadline) {
      $0.name == "BLOCK_JOB_COMPLETED" && $0.data["device"]?.string == name
    }
    let job = "copy the machine's disk \(index)"
    guard let end else { throw QMPError.jobTimedOut(job) }
    if let reason = end.data["error"]?.string { throw QMPError.jobFailed(job, reason: reason) }
  }

  /// The size of a disk in bytes, as the guest sees it.
  private func diskSize(_ index: Int, until deadline: Deadline) throws -> Int {
    let drives = try command("query-block", until: deadline)
    let drive = drives.array?.first { $0["device"]?.string == "disk\(index)" }
    guard case .integer(let size)? = drive?["inserted"]?["image"]?["virtual-size"] else {
      throw QMPError.incomplete(command: "query-block", missing: "size of disk \(index)")
    }
    return Int(size)
  }
}
