import Glibc
import ProviumArchitecture
import ProviumSystem
import Testing

@testable import ProviumBoot

/// Packages, container images and plain folders as the source of a kernel.
@Suite("The source of a kernel") struct KernelSourceTests {
  private func library(_ scratch: Scratch) -> KernelLibrary {
    KernelLibrary(cache: "\(scratch.path)/cache", architecture: .x86_64)
  }

  /// The head of a bzImage of a release.
  private static func bzImage(_ release: String) -> [UInt8] {
    var image = [UInt8](repeating: 0, count: 0x1000)
    image.replaceSubrange(0x202..<0x206, with: Array("HdrS".utf8))
    (image[0x206], image[0x207]) = (0x07, 0x02)
    image[0x20f] = 0x04
    image.replaceSubrange(0x600..<0x600 + release.utf8.count, with: Array(release.utf8))
    return image
  }

  private static let module = "\0vermagic=6.9.0 SMP \0name=a\0depends=\0"

  private func write(_ bytes: [UInt8], _ path: String) throws {
    try Files.createDirectories(Files.parent(of: path))
    try Files.write(bytes, to: path)
  }

  private func problem(_ body: () throws -> Void) -> String {
    do { try body() } catch { return "\(error)" }
    return "no error"
  }

  // MARK: Folders

  @Test(
    "may be a folder with a kernel file and modules, in any usual place, by path and by `provium kernel add`",
    arguments: [
      ("vmlinuz", "lib/modules/6.9.0"), ("bzImage", "usr/lib/modules/6.9.0"),
      ("vmlinuz-6.9.0", "modules/6.9.0"),
      ("boot/vmlinuz", "lib/modules/6.9.0"), ("boot/vmlinuz-6.9.0", "lib/modules/6.9.0"),
      ("vmlinuz", "6.9.0"),
      ("lib/modules/6.9.0/vmlinuz", "lib/modules/6.9.0"), ("vmlinuz", "."), ("bzImage", "modules"),
    ]
  )
  func folder(kernel: String, modules: String) throws {
    let scratch = try Scratch()
    let folder = "\(scratch.path)/folder"
    try write(Self.bzImage("6.9.0 (x@y) #1"), "\(folder)/\(kernel)")
    try write(Array(Self.module.utf8), "\(folder)/\(modules)/kernel/a.ko")
    let library = library(scratch)
    let found = try library.find(folder)
    #expect(found.kernel == "\(folder)/\(kernel)" && found.release == "6.9.0")
    let tree = try ModuleTree(try #require(found.modules))
    #expect(tree.release == "6.9.0" && tree.has("a"), "\(tree.directory)")
    // The library has a copy in its own layout, so the kernel stays when the folder is removed.
    let entry = try library.add([folder], name: "mine", progress: { _ in })
    #expect(entry.release == "6.9.0")
    try Files.removeTree(folder)
    let kept = try library.find("local:mine")
    #expect(try Files.read(kept.kernel) == Self.bzImage("6.9.0 (x@y) #1"))
    #expect(try kept.modules.map { try ModuleTree($0).release } == "6.9.0")
  }

  @Test("that is a folder is not believed if it has no kernel, several, or is a build tree to be added")
  func badFolders()
    throws
  {
    let scratch = try Scratch()
    let library = library(scratch)
    let two = "\(scratch.path)/two"
    try write(Self.bzImage("6.9.0"), "\(two)/vmlinuz-6.9.0")
    try write(Self.bzImage("6.10.0"), "\(two)/vmlinuz-6.10.0")
    let several = problem { _ = try library.find(two) }
    #expect(
      several.contains("it holds several kernels (vmlinuz-6.10.0, vmlinuz-6.9.0): name the file of one")
    )
    try write([], "\(scratch.path)/none/lib/modules/6.9.0/kernel/a.ko")
    #expect(
      problem { _ = try library.add(["\(scratch.path)/none"], name: nil, progress: { _ in }) }.contains(
        "it is a folder that is neither a kernel's build tree nor holds vmlinuz"
      )
    )
    for name in ["Makefile", "Kconfig", "arch/Kconfig"] { try write([], "\(scratch.path)/tree/\(name)") }
    #expect(
      problem { _ = try library.add(["\(scratch.path)/tree"], name: nil, progress: { _ in }) }.contains(
        "it is a build tree, which --kernel takes in place"
      )
    )
    let file = try scratch.write("bzImage", "x")
    #expect(
      problem { _ = try library.add([file], name: nil, progress: { _ in }) }.contains(
        "it is neither a .deb, a .rpm nor a folder"
      )
    )
    #expect(
      problem { _ = try library.add([two, file], name: nil, progress: { _ in }) }.contains("add it alone")
    )
  }

  // MARK: Packages

  /// Packs a folder as the one file of a .deb.
  private func package(_ scratch: Scratch, _ name: String, kernel: [UInt8]) throws -> String {
    let folder = "\(scratch.path)/\(name)"
    try write(
      Array("Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x\nDescription: x\n".utf8),
      "\(folder)/DEBIAN/control"
    )
    try write(kernel, "\(folder)/boot/vmlinuz-6.9.0")
    chmod("\(folder)/DEBIAN", 0o755)
    _ = try ToolRun.run("dpkg-deb", ["-b", folder, "\(folder).deb"])
    return "\(folder).deb"
  }

  @Test("may be one of two packages of the same release, and each stays what it is") func sameRelease() throws
  {
    let scratch = try Scratch()
    let library = library(scratch)
    let one = try package(scratch, "one", kernel: [1]), two = try package(scratch, "two", kernel: [2])
    for (path, kernel) in [(one, [UInt8(1)]), (two, [2]), (one, [1])] {
      #expect(try Files.read(library.find(path).kernel) == kernel)
    }
    #expect(try library.entries().map(\.name) == [one, two])
    // A package that was built again at the same path is another kernel.
    try Files.rename(two, to: one)
    #expect(try Files.read(library.find(one).kernel) == [2])
    #expect(try library.remove(two))
    // It can be had again: it is unpacked once more.
    #expect(try Files.read(library.find(one).kernel) == [2])
    #expect(KernelLibrary.restorable(in: "\(scratch.path)/cache").count == 2)
  }

  // MARK: Images

  /// An OCI layout with one layer.
  private func layout(_ scratch: Scratch, _ name: String, _ files: [String: [UInt8]]) throws -> String {
    let layout = "\(scratch.path)/\(name)"
    for (path, bytes) in files { try write(bytes, "\(layout).root/\(path)") }
    _ = try ToolRun.run("tar", ["-C", "\(layout).root", "-czf", "\(layout).tar", "."])
    func blob(_ bytes: [UInt8]) throws -> String {
      let digest = SHA256.hex(bytes)
      try write(bytes, "\(layout)/blobs/sha256/\(digest)")
      return #"{"digest":"sha256:\#(digest)","size":\#(bytes.count)}"#
    }
    let layer = try blob(try Files.read("\(layout).tar"))
    let manifest = try blob(Array(#"{"schemaVersion":2,"layers":[\#(layer)]}"#.utf8))
    try write(Array(#"{"manifests":[\#(manifest)]}"#.utf8), "\(layout)/index.json")
    try write(Array(#"{"imageLayoutVersion":"1.0.0"}"#.utf8), "\(layout)/oci-layout")
    return layout
  }

  @Test("may be a container image on the host, of which only the kernel is kept") func image() throws {
    let scratch = try Scratch()
    let library = library(scratch)
    let layout = try layout(
      scratch,
      "image",
      [
        "boot/vmlinuz": Self.bzImage("6.9.0"), "lib/modules/6.9.0/kernel/a.ko": Array(Self.module.utf8),
        "etc/other": [1],
      ]
    )
    let kernel = try library.find("oci:\(layout)")
    #expect(kernel.release == "6.9.0" && kernel.kernel.hasSuffix("/tree/boot/vmlinuz-6.9.0"))
    #expect(try ModuleTree(#require(kernel.modules)).has("a"))
    let entry = try #require(try library.entries().first)
    #expect(entry.name == "oci:\(layout)" && !Files.exists("\(entry.folder)/tree/etc"))
    #expect(problem { _ = try library.find(layout) }.contains("it is an OCI layout: name it oci:\(layout)"))
    // The same image at another path is the same kernel.
    try Files.rename(layout, to: "\(layout).moved")
    #expect(try library.find("oci:\(layout).moved").kernel == kernel.kernel)
    #expect(try library.remove(entry.name) && library.entries().isEmpty)
  }

  @Test("that is an image without a kernel, a damaged one, or none at all is one error each") func badImages()
    throws
  {
    let scratch = try Scratch()
    let library = library(scratch)
    let empty = try layout(scratch, "empty", ["etc/os-release": [1]])
    #expect(
      problem { _ = try library.find("oci:\(empty)") }.contains("no boot/vmlinuz or lib/modules/RELEASE")
    )
    let cut = try layout(scratch, "cut", ["boot/vmlinuz-6.9.0": [UInt8](repeating: 1, count: 100_000)])
    let blobs = "\(cut)/blobs/sha256"
    for name in try Files.list(blobs) {
      let bytes = try Files.read("\(blobs)/\(name)")
      if bytes.first == 0x1f { try Files.write(Array(bytes.dropLast(40)), to: "\(blobs)/\(name)") }
    }
    let error = problem { _ = try library.find("oci:\(cut)") }
    #expect(error.contains("has other contents than its digest says"), "\(error)")
    let none = problem { _ = try library.find("oci:\(scratch.path)/none") }
    #expect(none == "the image \(scratch.path)/none does not exist")
    let folder = problem { _ = try library.find("oci:\(scratch.path)") }
    #expect(folder.contains("it is a folder without oci-layout and index.json"))
  }

  // MARK: Registries

  @Test("is a registry's image if it begins with a host, else a path") func references() throws {
    for text in [
      "localhost/kernel", "localhost:5000/kernel:6.1", "ghcr.io/a/b:c", "127.0.0.1:5000/a", "[::1]:5000/a/b",
    ] {
      guard case .image(.registry) = KernelName("oci:\(text)") else {
        Issue.record("\(text) is no registry's image")
        continue
      }
      #expect(KernelName.resolve("oci:\(text)", against: "/p") == "oci:\(text)")
    }
    for (text, path) in [
      ("image", "/p/image"), ("build/image", "/p/build/image"), ("./kernel.d/x", "/p/kernel.d/x"),
      ("../x.tar", "/p/../x.tar"), ("/a/b:c/d", "/a/b:c/d"), (".hidden/x", "/p/.hidden/x"),
      ("localhost", "/p/localhost"),
    ] { #expect(KernelName.resolve("oci:\(text)", against: "/p") == "oci:\(path)") }
    let digest = String(repeating: "ab", count: 32)
    guard case .image(.registry(let tagged)) = KernelName("oci:localhost:5000/a/kernel:6.1"),
      case .image(.registry(let pinned)) = KernelName("oci:localhost:5000/a/kernel@sha256:\(digest)")
    else {
      Issue.record("no registry's images")
      return
    }
    #expect(tagged.repository == "localhost:5000/a/kernel" && pinned.repository == tagged.repository)
    #expect(tagged.digest == nil && pinned.digest == digest)
    #expect(tagged.pinned(to: digest) == pinned.name)
  }

  @Test("has the message of a failure of skopeo, without the rest of the line") func messages() {
    let line =
      #"time="2026-01-01T00:00:00Z" level=fatal msg="Error parsing image name \"docker://x\": refused""#
    #expect(RegistryImage.message(in: "a\n\(line)\n") == "refused")
    let other = #"time="x" level=fatal msg="copying \"a\" failed""#
    #expect(RegistryImage.message(in: other) == #"copying "a" failed"#)
    #expect(RegistryImage.message(in: "plain\n") == "plain")
    let missing = RegistryImage.reason(ToolRun.Failure.notInstalled(tool: "skopeo"))
    #expect(missing.hasPrefix("skopeo is not installed") && missing.contains("apt-get install skopeo"))
    #expect(RegistryImage.message(in: "") == "skopeo failed and gave no reason")
  }
}
