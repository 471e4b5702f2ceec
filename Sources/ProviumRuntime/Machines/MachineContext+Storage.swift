import ProviumBoot
import ProviumSystem
import ProviumVM

extension MachineContext {
  /// Chooses where a VM keeps its memory and disks. A VM that will be saved writes its memory to a file; so do all VMs of a
  /// fixture's script, since only its end shows which one is kept. Disks that they write to are copies: the user's image
  /// must not change.
  func storage(for configuration: MachineConfiguration, machine: Int) throws -> VirtualMachine.Storage {
    var storage = VirtualMachine.Storage()
    guard let folder = workFolder ?? (isFresh ? services.run.snapshots : nil) else { return storage }
    try Files.createDirectories(folder, mode: 0o700)
    storage.memory = .sharedFile("\(folder)/memory-\(machine)")
    guard workFolder != nil else { return storage }
    storage.keepsFrameEnds = true
    for (number, disk) in configuration.allDisks.enumerated() where !disk.isReadOnly {
      let copy = "\(folder)/disk\(number)-\(machine)"
      // A backing file that is named relative to the image would be looked for beside the copy.
      let backing = try DiskImage(disk.path, format: disk.format.rawValue).chain.first
      try Files.copySparse(disk.path, to: copy)
      // The guest's writes belong to the fixture; an overlay would be removed with the VM.
      storage.diskFiles[number] = DiskFile(path: copy, format: disk.format, backing: backing)
    }
    return storage
  }

  /// Copies the snapshot's memory and disks for a VM of a fixture's script, which writes to them. Only blocks that are not
  /// zero are copied. Returns nil in every other scope.
  func writableMemory(of snapshot: Snapshot) throws -> (memory: String, disks: [Int: DiskFile])? {
    guard let workFolder, !snapshot.isStream else { return nil }
    let machine = services.nextMachineNumber()
    let memory = "\(workFolder)/memory-\(machine)"
    var disks = snapshot.writableDisks
    do {
      try Files.copySparse(snapshot.memoryPath, to: memory)
      for (number, file) in snapshot.writableDisks {
        let copy = "\(workFolder)/disk\(number)-\(machine)"
        try Files.copySparse(file.path, to: copy)
        disks[number]?.path = copy
      }
    } catch { throw StorageError(path: workFolder, reason: "\(error)") }
    return (memory, disks)
  }

  /// Makes the memory of a kept VM that was saved as changes; nil for every other snapshot.
  func assembledMemory(of snapshot: Snapshot) throws -> (memory: String, disks: [Int: DiskFile])? {
    guard snapshot.kept == .changes else { return nil }
    let memory = try services.assembledMemory(of: snapshot)
    let disks = snapshot.writableDisks.mapValues { file in
      var overlay = file
      overlay.discardsWrites = true
      return overlay
    }
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
