import ProviumSystem

/// The files that QEMU boots, and the inputs that they were made from.
package struct BootImage: Sendable, Hashable {
  package var kernel: String
  package var initrd: String
  /// The bzImage that `kernel` was unpacked from; nil for every other kernel.
  package var bzImage: BzImage?
  /// The kernel command line.
  package var append: String
  /// `6.1.0-56-cloud-amd64`, when the kernel file says.
  package var release: String?
  /// Some were looked at; without any the kernel must have all drivers built in.
  package var hasModules = false
  /// Said once, in the run's warnings.
  package var remarks: [String] = []
  /// Name and content key of everything that went in, for the keys of fixtures.
  package var inputs: [Input] = []

  package init(kernel: String, initrd: String, append: String, release: String? = nil) {
    self.kernel = kernel
    self.initrd = initrd
    self.append = append
    self.release = release
  }

  /// Writes the initrd of one VM, followed by its secret, to `path`: a file that only this user can read. Other users can
  /// read the command line of QEMU, which has the path alone.
  package func initrd(with secret: [UInt8], at path: String) throws -> String {
    var archive = CpioArchive()
    // Again: the kernel gives a folder the mode of the last archive that names it.
    archive.addDirectory(".provium", mode: 0o700)
    archive.addFile(".provium/secret", secret, mode: 0o400)
    var joined = try Files.read(initrd)
    joined.append(contentsOf: repeatElement(0, count: InitrdJoin.padding(after: joined.count)))
    try Files.write(joined + archive.finished(), to: path, mode: 0o600)
    return path
  }

  /// A bzImage whose vmlinux may be booted in its place.
  package struct BzImage: Sendable, Hashable {
    package let path: String
    /// SHA-256 of the bzImage.
    package let digest: String
  }

  /// One thing that an image was made from.
  package struct Input: Sendable, Hashable, Codable {
    package let name: String
    package let path: String
    package let digest: String

    package init(name: String, path: String, digest: String) {
      self.name = name
      self.path = path
      self.digest = digest
    }
  }
}
