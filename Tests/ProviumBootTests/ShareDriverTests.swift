import ProviumSystem
import Testing

@testable import ProviumBoot

@Suite("A kernel without the file systems of shares") struct ShareDriverTests {
  private let scratch: Scratch
  private let builder: ImageBuilder
  private var source = BootSource()

  init() throws {
    scratch = try Scratch()
    builder = ImageBuilder(cache: "\(scratch.path)/cache")
    source.kernel = try scratch.write("tree/arch/x86/boot/vmlinux", ELFKernelTests.file())
  }

  /// The error of a boot with a share, or with a root; nil: it is not refused.
  private func problem(_ drivers: [String] = ["fuse"]) -> String? {
    do {
      _ = try builder.build(source, drivers: drivers)
      return nil
    } catch { return "\(error)" }
  }

  private func modules(_ names: [String], builtin: String) throws -> String {
    let list = names.map { "kernel/fs/\($0).ko:\n" }.joined()
    for name in names { _ = try scratch.write("6.1.0/kernel/fs/\(name).ko", "module") }
    _ = try scratch.write("6.1.0/modules.dep", list)
    _ = try scratch.write("6.1.0/modules.builtin", builtin)
    return "\(scratch.path)/6.1.0"
  }

  @Test("is named by the folder of its modules, with another way to bring the files")
  mutating func byModules()
    throws
  {
    source.modules = try modules(["ext4"], builtin: "kernel/drivers/virtio/virtio_pci.ko\n")
    let refusal = try #require(problem())
    #expect(
      refusal.hasSuffix(
        "arch/x86/boot/vmlinux cannot have folders or archives of the host: CONFIG_FUSE_FS is neither built in nor a module in "
          + "\(scratch.path)/6.1.0; pack the files into a root disk instead: mkfs.ext4 -d FOLDER disk.img 1G, and rootfs = \"disk.img\""
      ),
      "\(refusal)"
    )
    #expect(problem([]) == nil, "it boots without a share")
    source.modules = try modules(["fuse"], builtin: "")
    #expect(problem() == nil)
    #expect(problem(["fuse", "overlay"])?.contains("CONFIG_OVERLAY_FS is neither") == true)
    source.modules = try modules([], builtin: "kernel/fs/fuse/fuse.ko\nkernel/fs/overlayfs/overlay.ko\n")
    #expect(problem(["fuse", "overlay"]) == nil)
  }

  @Test(
    "is named by its configuration where its modules are not known",
    arguments: [
      ("CONFIG_NET=y\n# CONFIG_FUSE_FS is not set\n", "CONFIG_FUSE_FS is not set in its configuration"),
      ("CONFIG_FUSE_FS=m\n", "CONFIG_FUSE_FS is a module, and the folder of its modules is not known"),
      ("CONFIG_FUSE_FS=y\n", "CONFIG_OVERLAY_FS is not set"),
      ("CONFIG_FUSE_FS=y\nCONFIG_OVERLAY_FS=y\n", nil),
      (nil, nil),
    ] as [(String?, String?)]
  )
  func byConfiguration(configuration: String?, expected: String?) throws {
    if let configuration { _ = try scratch.write("tree/.config", configuration) }
    let refusal = problem(["fuse", "overlay"])
    if let expected { #expect(refusal?.contains(expected) == true) } else { #expect(refusal == nil) }
  }
}
