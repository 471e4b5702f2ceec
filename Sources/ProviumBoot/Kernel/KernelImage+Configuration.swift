import Glibc
import ProviumSystem

/// The configuration in a kernel image (`CONFIG_IKCONFIG`): a gzip file between two marks (kernel/configs.c).
extension KernelImage {
  private static let mark = Array("IKCFG_ST".utf8)
  private static let endMark = Array("IKCFG_ED".utf8)

  /// The configuration that the kernel was built with, from the usual places: beside it (`config-RELEASE`), in its build tree, or
  /// with its modules; else the one in the image (`CONFIG_IKCONFIG`). nil: it is in none of them.
  func configuration(modules: String?, cache: String) -> KernelConfiguration? {
    let folder = Files.parent(of: path)
    var places = release.map { ["\(folder)/config-\($0)", "/boot/config-\($0)"] } ?? []
    // In a build tree it is four folders up: arch/x86/boot/bzImage.
    places.append("\(Files.parent(of: Files.parent(of: Files.parent(of: folder))))/.config")
    if let modules { places += ["\(modules)/config", "\(modules)/.config"] }
    return places.lazy.compactMap { try? Files.readText($0) }.map(KernelConfiguration.init).first
      ?? embeddedConfiguration(cache: cache)
  }

  /// The configuration that the kernel was built with, if the image has it. Kept in the cache.
  func embeddedConfiguration(cache: String) -> KernelConfiguration? {
    guard let path = try? "\(cached(in: cache)).config" else { return nil }
    if let known = try? Files.readText(path) { return known.isEmpty ? nil : KernelConfiguration(known) }
    guard let kernel = try? unpackedContents(cache: cache) else { return nil }
    let text = Self.embeddedText(kernel) ?? ""
    // An empty file says that the image has none.
    try? Files.createDirectories(Files.parent(of: path))
    try? Files.replace(path, with: Array(text.utf8))
    return text.isEmpty ? nil : KernelConfiguration(text)
  }

  /// The kernel's bytes, unpacked.
  private func unpackedContents(cache: String) throws -> [UInt8] {
    if let image = try unpackZboot(into: cache) { return try Files.read(image) }
    if case .success(let vmlinux)? = try unpack(into: cache) { return try Files.read(vmlinux) }
    let contents = try Files.read(path)
    guard contents.starts(with: [0x1f, 0x8b]) else { return contents }
    return try ToolRun.run("gzip", ["-dcq"], input: contents, allowFailure: true).output
  }

  static func embeddedText(_ kernel: [UInt8]) -> String? {
    // The marks can also appear as text: only one that a gzip file follows counts.
    var start = 0
    while let found = place(of: mark, in: kernel, from: start) {
      start = found + mark.count
      guard kernel[start...].starts(with: [0x1f, 0x8b]), let end = place(of: endMark, in: kernel, from: start)
      else {
        continue
      }
      let packed = Array(kernel[start..<end])
      guard let text = try? ToolRun.run("gzip", ["-dcq"], input: packed, allowFailure: true).outputText,
        text.contains("CONFIG_")
      else { continue }
      return text
    }
    return nil
  }

  private static func place(of text: [UInt8], in bytes: [UInt8], from start: Int) -> Int? {
    bytes.withUnsafeBytes { bytes in
      guard let base = bytes.baseAddress, let first = text.first else { return nil }
      var here = start
      while here + text.count <= bytes.count,
        let found = memchr(base + here, Int32(first), bytes.count - text.count - here + 1)
      {
        let place = UnsafeRawPointer(found) - base
        if memcmp(base + place, text, text.count) == 0 { return place }
        here = place + 1
      }
      return nil
    }
  }
}
