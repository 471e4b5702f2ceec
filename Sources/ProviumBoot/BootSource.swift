public import ProviumArchitecture

/// The source of a boot: a kernel, an initramfs, a root disk, and the files that are added to them.
public struct BootSource: Sendable, Hashable, Codable {
  /// The guest's architecture; nil: the host's.
  public var architecture: Architecture?
  /// A kernel: the host path of a bzImage, vmlinux or Image, of a kernel build tree, a folder, or a .deb or .rpm package, or a name
  /// such as `deb:6.1` or `oci:localhost:5000/kernel:6.1`. nil: a distribution's kernel, with a small busybox userland.
  public var kernel: String?
  /// True: the VM has the small busybox userland of the built-in profile also with a kernel of its own.
  package var wantsUserland = false
  /// The host path of an initramfs.
  public var initrd: String?
  /// The host path of a raw disk image, `/dev/vda`. Without `initrd` it has the root file system. With one the initramfs is the
  /// root, and the disk is only attached.
  public var rootfs: String?
  /// The guest path of the program that becomes process 1 after the init wrapper; nil: the usual places are tried.
  public var initProgram: String?
  /// The host path of the kernel's module folder, `…/lib/modules/RELEASE`; nil: the usual places are tried.
  public var modules: String?
  /// Words that are added to the kernel command line.
  public var append: String
  /// Files that are put into the guest before its init runs.
  public var files: [GuestFile]

  /// A distribution's kernel of the host's architecture, without more.
  public init(
    architecture: Architecture? = nil,
    kernel: String? = nil,
    initrd: String? = nil,
    rootfs: String? = nil,
    initProgram: String? = nil,
    modules: String? = nil,
    append: String = "",
    files: [GuestFile] = []
  ) {
    self.architecture = architecture
    self.kernel = kernel
    self.initrd = initrd
    self.rootfs = rootfs
    self.initProgram = initProgram
    self.modules = modules
    self.append = append
    self.files = files
  }

  /// True: the VM has the small busybox userland.
  package var hasUserland: Bool { (kernel == nil || wantsUserland) && initrd == nil && rootfs == nil }

  /// True: the disk is the root; false: the initramfs is.
  package var bootsFromDisk: Bool { rootfs != nil && initrd == nil }

  /// The architecture, or the host's where none is set.
  /// - Throws: `UnknownArchitecture` on a host whose guests Provium does not know.
  package var requiredArchitecture: Architecture {
    get throws { if let architecture { architecture } else { try .host } }
  }
}
