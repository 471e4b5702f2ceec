import ProviumArchitecture
import ProviumSystem

/// EFI zboot images (`vmlinuz.efi`): a packed Image after an EFI stub that unpacks it, which QEMU does not do.
///
/// ```text
/// "MZ" @0 · "zimg" @4 · offset of the payload u32 @8 · its size u32 @12 · name of the compression @24
/// ```
/// Source: drivers/firmware/efi/libstub/zboot-header.S.
extension KernelImage {
  /// The place of the payload; nil: the file is no zboot image.
  static func zbootPayload(_ path: String, _ head: [UInt8]) throws -> Range<Int>? {
    guard head.count > 64, head.starts(with: Array("MZ".utf8)), Array(head[4..<8]) == Array("zimg".utf8)
    else {
      return nil
    }
    func word(_ at: Int) -> Int { (0..<4).reduce(0) { $0 | Int(head[at + $1]) << (8 * $1) } }
    let payload = word(8)..<(word(8) + word(12))
    guard let size = Files.size(path), !payload.isEmpty, payload.upperBound <= size else {
      throw ImageError.notAKernel(
        path: path,
        what: "it is an EFI zboot image that is cut short: its payload ends at byte \(payload.upperBound)"
      )
    }
    return payload
  }

  /// The format of the kernel in a zboot image.
  static func zbootFormat(_ path: String, _ payload: Range<Int>) throws -> KernelFormat {
    let head = try Files.read(path, from: UInt64(payload.lowerBound), count: min(payload.count, 0x10000))
    if let tool = decompressor(head) {
      // The tool complains that the rest is missing.
      let run = try ToolRun.run(tool.name, tool.arguments, input: head, allowFailure: true)
      if let format = image(run.output) { return format }
    }
    throw ImageError.notAKernel(
      path: path,
      what: "it is an EFI zboot image without an Image that Provium can unpack"
    )
  }

  /// Unpacks the Image of a zboot image into the cache, once.
  /// - Returns: Its path; nil: the kernel is no zboot image.
  func unpackZboot(into cache: String) throws -> String? {
    guard let zbootPayload else { return nil }
    let target = try "\(cached(in: cache)).image"
    if Files.exists(target) { return target }
    let payload = try Files.read(path, from: UInt64(zbootPayload.lowerBound), count: zbootPayload.count)
    guard let tool = Self.decompressor(payload) else {
      throw ImageError.notAKernel(path: path, what: "its payload is packed in an unknown way")
    }
    // The unpacked size may follow, which decompressors take for trailing garbage.
    let run = try ToolRun.run(tool.name, tool.arguments, input: payload, allowFailure: true)
    guard Self.image(run.output) != nil else {
      throw ImageError.notAKernel(
        path: path,
        what: "its Image cannot be unpacked (\(tool.name): \(run.errorText.trimmed.prefix(100)))"
      )
    }
    try Files.createDirectories(Files.parent(of: target))
    try Files.replace(target, with: run.output)
    return target
  }
}
