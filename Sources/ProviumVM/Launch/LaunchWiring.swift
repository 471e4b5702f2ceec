/// Everything that differs from one launch of a VM to the next: descriptors, context IDs, paths, the memory's place. It is not
/// part of the configuration, and no snapshot is compared by it.
package struct LaunchWiring: Sendable, Hashable {
  /// Where the VM's memory is.
  package var memory = MemoryBacking.anonymous
  /// The kernel to boot; nil for a VM that resumes a snapshot.
  package var kernel: LaunchKernel?
  /// Files that replace disks, by the disk's number in `MachineConfiguration.allDisks`. A disk that is missing here has its
  /// own image.
  package var diskFiles: [Int: DiskFile] = [:]
  /// Waits for a snapshot instead of booting.
  package var isIncoming = false
  /// The state that the VM waits for has neither memory nor the run state: see `VirtualMachine.keep`. The VM stays stopped.
  package var isDeviceState = false
  /// A guest that powers off or resets stops its VM instead of ending QEMU, so that it can be kept.
  package var pausesAtShutdown = false
  /// QEMU's numbers of the inherited descriptors, by name.
  package var descriptors: [String: Int32] = [:]
  /// The guest's vsock context ID.
  package var contextID: UInt32 = 0
  /// Keeps QEMU's ends of the network devices' connections open here too, so that the frames in them can be read after the VM
  /// was stopped.
  package var keepsFrameEnds = false
  /// True for `comparison` alone.
  private(set) var isComparison = false

  package init() {}

  /// Placeholders for all values, of a VM that resumes.
  package static let comparison: LaunchWiring = {
    var wiring = LaunchWiring()
    wiring.memory = .privateFile("")
    wiring.isIncoming = true
    wiring.isComparison = true
    return wiring
  }()

  /// QEMU's number of a descriptor; -1, with which QEMU does not start, for one that was not opened.
  package func descriptor(_ name: String) -> Int32 { descriptors[name] ?? -1 }
}

/// The place of a VM's memory.
package enum MemoryBacking: Sendable, Hashable {
  case anonymous
  /// A file that the VM writes through to: for a VM whose state becomes a snapshot.
  case sharedFile(String)
  /// A file that is mapped copy on write: for a VM that is resumed from a snapshot.
  case privateFile(String)
}

/// The files and the command line that QEMU boots.
package struct LaunchKernel: Sendable, Hashable {
  package var kernel: String
  package var initrd: String?
  /// The kernel command line.
  package var append: String

  package init(kernel: String, initrd: String?, append: String) {
    self.kernel = kernel
    self.initrd = initrd
    self.append = append
  }
}
