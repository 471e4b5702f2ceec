import Glibc
import ProviumSystem

/// Kernels of the distribution.
extension KernelLibrary {
  /// Fetches a kernel of the distribution: the newest one that `spec` fits. Fetched again only if there is a newer one.
  /// - Parameter spec: `6.1`, `6.1-rt`, `6.1.0-56-cloud-amd64`.
  /// - Throws: `ImageError.unknownKernel`, with the nearest name.
  @discardableResult
  func fetch(_ spec: String, progress: (String) -> Void) throws -> NamedKernel {
    let name = KernelName.debianPrefix + spec
    try Files.createDirectories(folder)
    let apt: PackageSource
    let package: String
    do {
      apt = try PackageSource(folder: "\(folder)/.apt-\(getpid())", architecture: architecture)
      try apt.prepare(progress: progress)
      let known = DebianKernelName(try apt.kernelPackages(), architecture: architecture.debianName)
      guard let found = known.package(for: spec) else {
        try? Files.removeTree(apt.folder)
        let hint = NearestName.hint(for: spec, among: known.names)
        let names = known.names.isEmpty ? "none" : known.names.joined(separator: ", ")
        throw ImageError.unknownKernel(
          name: name,
          reason: "the package sources of this host have no such kernel\(hint); they have: \(names)"
        )
      }
      package = found
    } catch let error as ImageError { throw error } catch {
      throw ImageError.unknownKernel(name: name, reason: "the package sources cannot be read: \(error)")
    }
    defer { try? Files.removeTree(apt.folder) }
    let release = PackageSource.release(ofImage: package)
    let full = KernelName.debianPrefix + release
    let entry: Entry
    if let kept = self.entry(named: full) {
      entry = kept
    } else {
      do {
        entry = try keep(full, at: place(of: full), release: release) { tree in
          for package in [package] + apt.companions(of: package) {
            progress("fetching \(package)")
            try apt.unpack(package, into: tree)
          }
        }
      } catch let error as ImageError { throw error } catch {
        throw ImageError.unknownKernel(name: name, reason: "\(package) cannot be fetched: \(error)")
      }
    }
    note(spec).write(release)
    var kernel = try use(entry)
    kernel.isStock = true
    return kernel
  }
}
