/// The reason why there is no bootable image: the fault, the file, and a remedy.
package enum ImageError: Error, Sendable, CustomStringConvertible {
  case noModuleDirectory(path: String, reason: String)
  /// - hint: a clause after the folder's name, or empty.
  case driverMissing(module: String, directory: String, hint: String)
  /// A kernel that lacks a file system that shares need.
  case noShares(kernel: String, reason: String)
  case moduleDisabled(module: String, directory: String)
  /// `modules.dep` does not fit the folder.
  case staleModuleList(directory: String, reason: String)
  case wrongModules(directory: String, version: String, kernel: String)
  case notAKernel(path: String, what: String)
  /// A build tree that cannot be used.
  case badTree(path: String, reason: String)
  case unknownKernel(name: String, reason: String)
  case noKernel(reasons: [String])
  /// Packages that cannot be had.
  case noPackages(names: [String], reason: String)
  case badInitrd(path: String, reason: String)
  case badDisk(path: String, reason: String)
  case missingFile(role: String, path: String)
  case longCommandLine(length: Int, limit: Int)

  package var description: String {
    switch self {
    case .noModuleDirectory(let path, let reason):
      "\(path) is not a kernel's module directory: \(reason)"
    case .driverMissing(let module, let directory, let hint):
      "the kernel lacks the driver \(module) (CONFIG_\(module.uppercased())): it is neither built in nor a module in \(directory)"
        + hint
    case .noShares(let kernel, let reason):
      "the kernel \(kernel) cannot have folders or archives of the host: \(reason); pack the files into a root disk instead: "
        + "mkfs.ext4 -d FOLDER disk.img 1G, and rootfs = \"disk.img\""
    case .moduleDisabled(let module, let directory):
      "the driver \(module) is needed, and a modprobe.d of the tree of \(directory) disables it (install \(module) /bin/false)"
    case .staleModuleList(let directory, let reason):
      "\(directory)/modules.dep does not fit the modules: \(reason); run \(Self.depmod(directory)), "
        + "or remove modules.dep: Provium then reads the modules themselves"
    case .wrongModules(let directory, let version, let kernel):
      "the modules in \(directory) are for kernel \(version), not for \(kernel); name the right directory with modules = \"…\""
    case .notAKernel(let path, let what): "\(path) cannot be used as a kernel: \(what)"
    case .badTree(let path, let reason): "the kernel build tree \(path) cannot be used: \(reason)"
    case .unknownKernel(let name, let reason): "the kernel '\(name)' cannot be had: \(reason)"
    case .noKernel(let reasons):
      "no kernel for the default profile:\n" + reasons.map { "  - \($0)" }.joined(separator: "\n")
    case .noPackages(let names, let reason):
      "the packages \(names.joined(separator: ", ")) cannot be had: \(reason)"
    case .badInitrd(let path, let reason): "\(path) cannot be used as an initrd: \(reason)"
    case .badDisk(let path, let reason): "\(path) cannot be used as a root disk: \(reason)"
    case .longCommandLine(let length, let limit):
      "the kernel command line has \(length) bytes, and a kernel takes \(limit): shorten append"
    case .missingFile(let role, let path): "the \(role) \(path) does not exist"
    }
  }

  /// The command that writes the lists of a module folder.
  private static func depmod(_ directory: String) -> String {
    let release = directory.split(separator: "/").last.map(String.init) ?? ""
    guard let root = ModuleFolder.root(of: directory) else { return "depmod" }
    return "depmod " + (root.isEmpty ? "" : "-b \(root) ") + release
  }
}
