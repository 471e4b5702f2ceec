import Glibc
package import ProviumArchitecture
import ProviumSystem

/// A distribution's kernel and busybox, fetched as packages into the cache and unpacked there, never installed.
package struct DistributionKernel: Sendable {
  package let kernel: String
  package let modules: String
  package let busybox: String
  /// Where it came from: `linux-image-6.1.0-56-cloud-amd64`, or the host's own file.
  package let origin: String

  /// Prepares one, or finds the one that was prepared. Other processes wait for whoever is at it.
  /// - Parameter progress: told what takes time.
  package static func prepare(
    cache: String,
    architecture: Architecture,
    progress: (String) -> Void = { _ in }
  ) throws -> DistributionKernel {
    let folder = "\(cache)/kernels/\(architecture.name)"
    if let kept = find(in: folder) { return kept }
    try Files.createDirectories("\(cache)/kernels")
    let lock = try FileLock.acquire("\(folder).lock", until: .after(.seconds(900))) { holder in
      progress("waiting for another process to prepare the kernel\(holder.isEmpty ? "" : " (\(holder))")")
    }
    guard let lock else {
      throw ImageError.noKernel(reasons: [
        "another process has been preparing it for a quarter of an hour (\(folder).lock)"
      ])
    }
    lock.describeHolder("process \(getpid())")
    if let kept = find(in: folder) { return kept }
    let made = try make(folder, architecture: architecture, progress: progress)
    return made
  }

  /// The one that was prepared earlier; nil: none was.
  package static func prepared(cache: String, architecture: Architecture) -> DistributionKernel? {
    find(in: "\(cache)/kernels/\(architecture.name)")
  }

  private static func find(in folder: String) -> DistributionKernel? {
    guard let text = try? Files.readText("\(folder)/prepared") else { return nil }
    let lines = text.split(separator: "\n").map(String.init)
    guard lines.count == 4, lines.dropLast().allSatisfy(Files.exists) else { return nil }
    return DistributionKernel(kernel: lines[0], modules: lines[1], busybox: lines[2], origin: lines[3])
  }

  private static func make(
    _ folder: String,
    architecture: Architecture,
    progress: (String) -> Void
  ) throws -> DistributionKernel {
    try Files.removeTree(folder)
    try Files.createDirectories(folder)
    var reasons: [String] = []
    let found: DistributionKernel
    do {
      found = try fromPackages(folder, architecture: architecture, progress: progress)
    } catch {
      reasons.append("as a package: \(error)")
      guard architecture.name == HostFacts.machine, let own = hostsOwn(&reasons) else {
        throw ImageError.noKernel(reasons: reasons)
      }
      found = own
    }
    let record = [found.kernel, found.modules, found.busybox, found.origin].joined(separator: "\n") + "\n"
    // Last: without it the folder is not believed.
    try Files.replace("\(folder)/prepared", with: Array(record.utf8))
    return found
  }

  // MARK: Packages

  private static func fromPackages(
    _ folder: String,
    architecture: Architecture,
    progress: (String) -> Void
  ) throws -> DistributionKernel {
    let apt = try PackageSource(folder: "\(folder)/apt", architecture: architecture)
    progress("looking for a kernel package")
    try apt.prepare(progress: progress)
    let image = try apt.kernelPackage()
    let tree = "\(folder)/tree"
    for package in [image] + apt.companions(of: image) + ["busybox-static"] {
      progress("fetching \(package)")
      try apt.unpack(package, into: tree)
    }
    let unpacked = KernelFolder(tree, release: PackageSource.release(ofImage: image))
    let busybox = ["\(tree)/bin/busybox", "\(tree)/usr/bin/busybox"].first(where: Files.exists)
    guard let kernel = unpacked.kernel, let modules = unpacked.modules, let busybox else {
      let missing = [
        unpacked.kernel == nil ? "kernel" : nil, unpacked.modules == nil ? "module folder" : nil,
        busybox == nil ? "busybox" : nil,
      ].compactMap { $0 }.joined(separator: ", ")
      throw ImageError.noKernel(reasons: [
        "\(image), the packages of its kernel that it depends on, and busybox-static hold no \(missing) (\(tree))"
      ])
    }
    try Files.removeTree("\(folder)/apt")
    return DistributionKernel(kernel: kernel, modules: modules, busybox: busybox, origin: image)
  }

  /// The kernel that this host runs, where its file can be read and a static busybox is installed.
  private static func hostsOwn(_ reasons: inout [String]) -> DistributionKernel? {
    var name = utsname()
    uname(&name)
    let release = withUnsafeBytes(of: &name.release) {
      String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
    }
    let kernel = "/boot/vmlinuz-\(release)", modules = "/lib/modules/\(release)"
    guard access(kernel, R_OK) == 0, Files.isDirectory(modules) else {
      reasons.append("the host's own: \(kernel) and \(modules) cannot be read")
      return nil
    }
    guard let busybox = ToolRun.find("busybox"), let head = try? Files.read(busybox), !head.isDynamic else {
      reasons.append("the host's own: no static busybox is installed (apt-get install busybox-static)")
      return nil
    }
    return DistributionKernel(kernel: kernel, modules: modules, busybox: busybox, origin: kernel)
  }
}

extension [UInt8] {
  /// An ELF program that wants an interpreter.
  fileprivate var isDynamic: Bool { firstRange(of: Array("/ld-linux".utf8), from: 0) != nil }
}
