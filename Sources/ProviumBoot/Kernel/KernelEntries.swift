import ProviumSystem

/// How each bzImage is entered: through the vmlinux inside, which QEMU enters by its PVH note and which boots a second or more
/// sooner under emulation, or through the bzImage itself. Kept in the cache by the kernel's digest.
///
/// The PVH entry of a kernel is C code before the kernel has set itself up. Instrumented by KASAN, KCOV or a profiler, it can
/// reset the VM before the first message, while the bzImage of the same kernel boots.
package struct KernelEntries: Sendable {
  private let cache: String

  init(cache: String) { self.cache = cache }

  private func note(_ digest: String) -> CacheNote {
    CacheNote("\(cache)/vmlinux/\(digest.prefix(32)).entry", key: digest)
  }

  /// Makes `image` boot the vmlinux of a bzImage, unless that is known not to boot or cannot be had.
  func chooseEntry(of kernel: KernelImage, digest: String, for image: inout BootImage) throws {
    if let unpacked = try kernel.unpackZboot(into: cache) {
      image.kernel = unpacked
      return
    }
    guard note(digest).value != Self.bzImage else { return }
    switch try kernel.unpack(into: cache) {
    case nil: return
    case .failure(let packed)?:
      image.remarks.append("\(kernel.path): \(packed.reason); booting the bzImage takes longer")
    case .success(let vmlinux)?:
      image.kernel = vmlinux
      image.bzImage = BootImage.BzImage(path: kernel.path, digest: digest)
    }
  }

  private static let bzImage = "bzImage"

  /// Remembers that a bzImage boots and its vmlinux does not.
  package func remember(_ image: BootImage.BzImage) { note(image.digest).write(Self.bzImage) }
}
