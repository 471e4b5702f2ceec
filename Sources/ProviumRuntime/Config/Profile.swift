package import ProviumArchitecture
package import ProviumVM

/// A `[profile.NAME]` table: the kernel and userland of a VM.
package struct Profile: Sendable, Hashable {
  package var name: String
  /// A name as `KernelName` reads it, or an absolute path; nil: a distribution's kernel.
  package var kernel: String?
  /// True: it has the built-in profile's userland also with a kernel of its own.
  package var wantsUserland = false
  package var initrd: String?
  package var rootfs: String?
  package var initProgram: String?
  package var append: String?
  package var modules: String?
  /// Folders of the host in the guest.
  package var shares: [SharedFolder] = []
  /// A folder of the host, or an archive, as the guest's root.
  package var root: String?
  /// Debian packages that the guest's root is made of; nil: it is made otherwise.
  package var packages: [String]?
  /// nil: the host's.
  package var architecture: Architecture?

  package init(name: String) { self.name = name }

  /// The profile with a distribution's kernel and a small busybox userland.
  package static let builtIn = Profile(name: "default")
  package var isBuiltIn: Bool { kernel == nil }

  /// Whether the guest has nothing but the agent.
  var lacksUserland: Bool {
    !isBuiltIn && !wantsUserland && initrd == nil && rootfs == nil && root == nil && packages == nil
  }
}
