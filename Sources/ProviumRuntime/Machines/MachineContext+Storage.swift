import ProviumBoot
import ProviumSystem
import ProviumVM

extension MachineContext {
  /// Adds where a VM keeps its memory and disks. A VM that will be saved writes its memory to a file; so do all VMs of a
  /// fixture's script, since only its end shows which one is kept. Disks that they write to are copies: the user's image
  /// must not change.
  func prepareForSnapshot(_ request: BootRequest, machine: Int) throws -> BootRequest {
    var request = request
    guard let folder = workFolder ?? (isFresh ? services.run.snapshots : nil) else { return request }
    try Files.createDirectories(folder, mode: 0o700)
    request.backing = .sharedFile("\(folder)/memory-\(machine)")
    guard workFolder != nil else { return request }
    for index in request.disks.indices where !request.disks[index].isReadOnly {
      let copy = "\(folder)/disk\(index)-\(machine)"
      // A backing file that is named relative to the image would be looked for beside the copy.
      request.disks[index].backing = try DiskImage(
        request.disks[index].path,
        format: request.disks[index].format
      ).chain.first
      try Files.copySparse(request.disks[index].path, to: copy)
      request.disks[index].path = copy
      // What the guest writes belongs to the fixture; an overlay would be removed with the VM.
      request.disks[index].isSnapshot = false
    }
    return request
  }

  /// Copies the snapshot's memory and disks for a VM of a fixture's script, which writes to them. Only blocks that are not
  /// zero are copied. Returns nil in every other scope.
  func writableMemory(of snapshot: Snapshot) throws -> (memory: String, disks: [DiskOptions])? {
    guard let workFolder, !snapshot.isStream else { return nil }
    let number = services.nextMachineNumber()
    let memory = "\(workFolder)/memory-\(number)"
    var disks = snapshot.disks
    do {
      try Files.copySparse(snapshot.memoryPath, to: memory)
      for index in disks.indices where !disks[index].isReadOnly {
        let copy = "\(workFolder)/disk\(index)-\(number)"
        try Files.copySparse(Files.resolve(disks[index].path, against: snapshot.folder), to: copy)
        disks[index].path = copy
      }
    } catch { throw StorageError(path: workFolder, reason: "\(error)") }
    return (memory, disks)
  }

  /// Makes a folder for one snapshot, removed with the snapshot. In a fixture's script the folder is on the file system of
  /// the VM's memory.
  func snapshotFolder() throws -> String {
    let parent = workFolder.map { "\($0)/snapshots" } ?? services.run.snapshots
    let folder = "\(parent)/\(services.nextMachineNumber())"
    try Files.createDirectories(folder, mode: 0o700)
    return folder
  }
}
