package import ProviumArchitecture
import ProviumSystem

/// A folder in which a kernel was built: its source folder, or the one of `make O=…`. Its modules are used in place.
package struct KernelBuildTree: Sendable {
  package let directory: String

  /// nil: the folder is neither a kernel's source folder nor one of its output folders.
  package init?(_ directory: String) {
    func has(_ name: String) -> Bool { Files.exists("\(directory)/\(name)") }
    guard has("Makefile"),
      has("Kconfig") && has("arch") || has(".config") && has("source") || has(Self.releaseFile)
    else { return nil }
    self.directory = directory
  }

  /// Written by the build (Documentation/kbuild/kbuild.rst).
  static let releaseFile = "include/config/kernel.release"

  /// The release of the last build; nil: there was none.
  var release: String? { try? Files.readText("\(directory)/\(Self.releaseFile)").trimmed }

  /// The kernel and its modules.
  /// - Throws: `ImageError.badTree` for a tree that is not built, half built, or built for another architecture.
  package func built(for architecture: Architecture) throws -> NamedKernel {
    guard
      let kernel = architecture.buildTreeImages.map({ "\(directory)/\($0)" }).first(
        where: Files.isRegularFile
      )
    else { throw ImageError.badTree(path: directory, reason: notBuilt(architecture)) }
    guard let release else {
      throw ImageError.badTree(
        path: directory,
        reason: "it lacks \(Self.releaseFile): run make -C \(directory)"
      )
    }
    let hasModules = Files.exists("\(directory)/modules.order")
    if !hasModules, configuration.contains("CONFIG_MODULES=y") {
      throw ImageError.badTree(
        path: directory,
        reason: "its modules are not built: run make -C \(directory) modules"
      )
    }
    return NamedKernel(
      kernel: kernel,
      modules: hasModules ? directory : nil,
      release: release,
      buildTree: directory
    )
  }

  /// The options of the drivers that VMs need, by the name of the module.
  private static let driverOptions = [
    "virtio_pci": "VIRTIO_PCI", "virtio_console": "VIRTIO_CONSOLE", "virtio_blk": "VIRTIO_BLK",
    "virtio_net": "VIRTIO_NET", "virtio_scsi": "SCSI_VIRTIO", "nvme": "BLK_DEV_NVME",
    "vmw_vsock_virtio_transport": "VIRTIO_VSOCKETS",
  ]

  /// Checks that the kernel was configured for a VM with `drivers`: without them it would boot and not be heard of again.
  /// - Throws: `ImageError.badTree`, which names all options that are missing.
  func check(drivers: [String]) throws {
    guard !configuration.isEmpty else { return }
    let options = KernelConfiguration(configuration.joined(separator: "\n"))
    let hasModules = Files.exists("\(directory)/modules.order")
    let wanted = ["BLK_DEV_INITRD", "BINFMT_ELF"] + drivers.compactMap { Self.driverOptions[$0] }
    let missing = wanted.uniqued().filter { option in
      options[option] != "y" && !(options[option] == "m" && hasModules)
    }
    guard !missing.isEmpty else { return }
    throw ImageError.badTree(
      path: directory,
      reason: "its .config lacks what a VM needs: \(missing.map { "CONFIG_\($0)" }.joined(separator: ", ")); "
        + "run make -C \(directory) kvm_guest.config, and make"
    )
  }

  private var configuration: [Substring] {
    ((try? Files.readText("\(directory)/.config")) ?? "").split(separator: "\n")
  }

  private func notBuilt(_ architecture: Architecture) -> String {
    if configuration.isEmpty {
      return "no kernel is configured there: run make -C \(directory) defconfig, and make"
    }
    let other = Architecture.all.first { architecture in
      architecture.buildTreeImages.contains { Files.exists("\(directory)/\($0)") }
    }
    if let other {
      return
        "its kernel is one for \(other.name), and the guest is \(architecture): set arch = \"\(other.name)\" in a profile"
    }
    return
      "its kernel is not built (there is no \(architecture.buildTreeImages[0])): run make -C \(directory)"
  }

  /// The paths of the modules, relative to the folder. Before Linux 6.3 the list has `kernel/fs/ext4/ext4.ko`, then
  /// `fs/ext4/ext4.o`.
  func modules() throws -> [String] {
    let list = (try? Files.readText("\(directory)/modules.order")) ?? ""
    return list.split(separator: "\n").map { line in
      let path = line.hasSuffix(".o") ? "\(line.dropLast(2)).ko" : String(line)
      let inside = path.replacingPrefix("kernel/", with: "")
      // kernel/ is also the name of a source folder.
      return Files.exists("\(directory)/\(inside)") ? inside : path
    }
  }
}
