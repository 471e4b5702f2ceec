/// The file systems of the kernel that shares need. A kernel without them is refused before it boots, where this host can know it:
/// the guest would say so only after its boot.
enum ShareDrivers {
  /// The options of the modules.
  private static let options = [("fuse", "CONFIG_FUSE_FS"), ("overlay", "CONFIG_OVERLAY_FS")]

  /// Checks that a kernel has those of `drivers` that are file systems for shares.
  /// - Parameters:
  ///   - tree: its modules; nil: they are not known.
  ///   - cache: the folder for what is read from the kernel's image.
  /// - Throws: `ImageError.noShares`.
  static func check(_ drivers: [String], of kernel: KernelImage, tree: ModuleTree?, cache: String) throws {
    for (driver, option) in options where drivers.contains(driver) {
      guard let reason = try missing(driver, option, kernel, tree, cache) else { continue }
      throw ImageError.noShares(kernel: kernel.path, reason: reason)
    }
  }

  /// The reason why a kernel cannot have a driver; nil: it has it, or this host does not know.
  private static func missing(
    _ driver: String,
    _ option: String,
    _ kernel: KernelImage,
    _ tree: ModuleTree?,
    _ cache: String
  ) throws -> String? {
    if let tree {
      do { _ = try tree.loads([driver]) } catch ImageError.driverMissing(let module, let directory, let hint)
        where module == driver
      {
        return "\(option) is neither built in nor a module in \(directory)\(hint)"
      }
      return nil
    }
    guard let configuration = kernel.configuration(modules: nil, cache: cache) else { return nil }
    switch configuration[option] {
    case "y": return nil
    case "m": return "\(option) is a module, and the folder of its modules is not known (modules = \"…\")"
    default: return "\(option) is not set in its configuration"
    }
  }
}
