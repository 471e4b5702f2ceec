import ProviumBoot
import ProviumSystem

extension MachineConfiguration {
  private static let smallestMemory = MemorySize.mebibytes(64)
  private static let cpuCounts = 1...255

  /// Checks every setting, also that the host files exist.
  /// - Throws: `InvalidConfiguration` for the first value that no VM can have.
  public func validate() throws(InvalidConfiguration) {
    guard memory >= Self.smallestMemory, memory.isWholeMebibytes else {
      throw InvalidConfiguration(
        .memory,
        .expected("at least \(Self.smallestMemory), in whole megabytes", given: "\(memory)")
      )
    }
    guard Self.cpuCounts.contains(cpus) else {
      throw InvalidConfiguration(
        .cpus,
        .expected(
          "an integer from \(Self.cpuCounts.lowerBound) to \(Self.cpuCounts.upperBound)",
          given: "\(cpus)"
        )
      )
    }
    if let bootTimeLimit, bootTimeLimit <= .zero {
      throw InvalidConfiguration(.bootTimeLimit, .expected("greater than zero", given: "\(bootTimeLimit)"))
    }
    try validateFiles()
    for (index, disk) in disks.enumerated() {
      if let problem = problem(of: disk) { throw InvalidConfiguration(.disk(index), problem) }
    }
    try validateServedDisks()
    try validateShares()
    try validateClock()
  }

  private func validateClock() throws(InvalidConfiguration) {
    guard let clock else { return }
    if let time = clock.initialTime, !GuestClock.initialTimes.contains(time) {
      throw InvalidConfiguration(
        .initialTime,
        .expected("a time from 2000-01-01 to 2099-12-31", given: "\(time) seconds since 1970")
      )
    }
    guard clock.isFast else { return }
    // The guest's time races while it waits for the host: its drivers and peers would run into their time limits.
    if let disk = servedDisks.first {
      throw InvalidConfiguration(.clock, .refused("cannot be fast in a VM with the served disk '\(disk.id)'"))
    }
    if !networkDevices.isEmpty {
      throw InvalidConfiguration(.clock, .refused("cannot be fast in a VM with network devices"))
    }
  }

  private func validateShares() throws(InvalidConfiguration) {
    var seen: Set<GuestPath> = []
    if let root = sharedFolders.first(where: \.isRoot) {
      if let problem = root.problem { throw InvalidConfiguration(.root, problem) }
      if boot.rootfs != nil {
        throw InvalidConfiguration(.root, .refused("and rootfs are two roots: leave one out"))
      }
    }
    for share in shares {
      let setting = InvalidConfiguration.Setting.share(share.path)
      if let problem = share.problem { throw InvalidConfiguration(setting, problem) }
      guard let path = try? share.place, seen.insert(path).inserted else {
        throw InvalidConfiguration(setting, .refused("is the same path as that of another share"))
      }
    }
    guard sharedFolders.count <= SharedFolder.most else {
      throw InvalidConfiguration(
        .share(shares.last?.path ?? ""),
        .refused("is one share too many: a VM has at most \(SharedFolder.most)")
      )
    }
  }

  private func validateServedDisks() throws(InvalidConfiguration) {
    var seen: Set<String> = []
    for disk in servedDisks {
      if let problem = disk.problem { throw InvalidConfiguration(.servedDisk(disk.id), problem) }
      guard seen.insert(disk.id).inserted else {
        throw InvalidConfiguration(.servedDisk(disk.id), .refused("has the same id as another disk"))
      }
    }
  }

  private func validateFiles() throws(InvalidConfiguration) {
    var seen: Set<GuestPath> = []
    // Sorted, so that a file comes before those below it.
    for file in boot.files.sorted(by: { $0.path.lexicographicallyPrecedes($1.path) }) {
      let setting = InvalidConfiguration.Setting.file(file.path)
      let path: GuestPath
      do { path = try GuestPath(file.path) } catch {
        throw InvalidConfiguration(setting, .refused("\(error)"))
      }
      guard seen.insert(path).inserted else {
        throw InvalidConfiguration(setting, .refused("is the same file as another one of them (\(path))"))
      }
      if let above = path.fileAbove(among: seen) {
        throw InvalidConfiguration(setting, .refused("is below \(above), which is a file"))
      }
      guard case .hostFile(let source) = file.contents else { continue }
      guard Files.exists(source) else {
        throw InvalidConfiguration(setting, .expected("a host file that exists", given: source))
      }
      guard Files.isRegularFile(source) else {
        let kind = Files.isDirectory(source) ? "a directory" : "a device, socket or pipe"
        throw InvalidConfiguration(
          setting,
          .expected("a regular host file", given: "\(source), which is \(kind)")
        )
      }
    }
  }

  /// The same configuration with absolute host paths.
  /// - Parameter folder: where relative paths start.
  package func resolvingPaths(against folder: String) -> MachineConfiguration {
    var resolved = self
    resolved.boot.kernel = boot.kernel.map { KernelName.resolve($0, against: folder) }
    for path in [\BootSource.initrd, \.rootfs, \.modules] {
      resolved.boot[keyPath: path] = resolved.boot[keyPath: path].map { Files.resolve($0, against: folder) }
    }
    for index in resolved.boot.files.indices {
      if case .hostFile(let path) = resolved.boot.files[index].contents {
        resolved.boot.files[index].contents = .hostFile(Files.resolve(path, against: folder))
      }
    }
    for index in resolved.disks.indices {
      resolved.disks[index].path = Files.resolve(resolved.disks[index].path, against: folder)
    }
    resolved.devices = devices.map { device in
      if var share = device as? SharedFolder, share.packages == nil {
        share.folder = Files.resolve(share.folder, against: folder)
        return share
      }
      guard var disk = device as? ServedDisk else { return device }
      disk.image = disk.image.map { Files.resolve($0, against: folder) }
      return disk
    }
    return resolved
  }

  /// Returns the reason why the image cannot be a disk; nil if it can.
  private func problem(of disk: Disk) -> InvalidConfiguration.Problem? {
    if !Files.exists(disk.path) { return .expected("a disk image that exists", given: disk.path) }
    if Files.isDirectory(disk.path) {
      return .expected("a disk image", given: "\(disk.path), which is a directory")
    }
    return nil
  }
}
