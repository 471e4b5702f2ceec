import ProviumJSON
package import ProviumSystem

/// Stopping and continuing the VM's processors, without a flush of the disks that this process provides.
extension QEMUProcess {
  /// Stops the processors. QEMU then flushes every disk; nothing becomes durable by that.
  package func pause(until deadline: Deadline) throws {
    for disk in disks.values { disk.expectHostFlush() }
    try qmp.command("stop", until: deadline)
    // From now on the guest sends nothing.
    for disk in disks.values { disk.ignoreFlushes() }
  }

  /// Continues the processors.
  /// - Parameter meanwhile: speaks to the guest. Runs while QEMU carries the command out; with disks that this process
  ///   provides, afterwards.
  package func proceed(until deadline: Deadline, meanwhile: () throws -> Void = {}) throws {
    guard !disks.isEmpty else {
      try qmp.command("cont", members: [], until: deadline, meanwhile: meanwhile)
      return
    }
    try qmp.command("cont", until: deadline)
    for disk in configuration.servedDisks {
      guard let contents = disks[disk.id] else { continue }
      // QEMU does not pass a flush on if it knows of no write since the last one. It must know of one, or the guest's next
      // flush would not reach the disk.
      if contents.hasUnflushed {
        contents.expectHostTrim()
        let line = "qemu-io -d \(disk.device) \"discard 0 \(disk.sectorSize)\""
        try qmp.command("human-monitor-command", ["command-line": .string(line)], until: deadline)
      }
      contents.endHostRequests()
    }
    try meanwhile()
  }
}
