/// What stands in the way of a bootable image: what, where, and what to do.
package enum ImageError: Error, Sendable, CustomStringConvertible {
  case noModuleDirectory(path: String, reason: String)
  case driverMissing(module: String, directory: String)
  case wrongModules(directory: String, version: String, kernel: String)
  case notAKernel(path: String, what: String)
  case noKernel(reasons: [String])
  case badInitrd(path: String, reason: String)
  case badDisk(path: String, reason: String)
  case missingFile(role: String, path: String)
  case longCommandLine(length: Int, limit: Int)

  package var description: String {
    switch self {
    case .noModuleDirectory(let path, let reason):
      "\(path) is not a kernel's module directory: \(reason)"
    case .driverMissing(let module, let directory):
      "the kernel lacks the driver \(module) (CONFIG_\(module.uppercased())): it is neither built in nor a module in \(directory)"
    case .wrongModules(let directory, let version, let kernel):
      "the modules in \(directory) are for kernel \(version), not for \(kernel); name the right directory with modules = \"…\""
    case .notAKernel(let path, let what): "\(path) cannot be used as a kernel: \(what)"
    case .noKernel(let reasons):
      "no kernel for the default profile:\n" + reasons.map { "  - \($0)" }.joined(separator: "\n")
    case .badInitrd(let path, let reason): "\(path) cannot be used as an initrd: \(reason)"
    case .badDisk(let path, let reason): "\(path) cannot be used as a root disk: \(reason)"
    case .longCommandLine(let length, let limit):
      "the kernel command line has \(length) bytes, and a kernel takes \(limit): shorten append"
    case .missingFile(let role, let path): "the \(role) \(path) does not exist"
    }
  }
}
