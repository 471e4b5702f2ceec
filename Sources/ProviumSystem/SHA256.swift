internal import CLinux

/// SHA-256 (FIPS 180-4), computed by the C shim: for keys of what is kept, not against an adversary who can already
/// write into the user's cache.
package enum SHA256 {
  package static func hex(_ bytes: [UInt8]) -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    bytes.withUnsafeBytes { clinux_sha256($0.baseAddress, $0.count, &digest) }
    return hex(digest: digest)
  }

  /// Of a file's contents, read in pieces.
  package static func hex(file path: String) throws -> String {
    let file = try Descriptor.open(path, 0)
    var digest = [UInt8](repeating: 0, count: 32)
    let result = clinux_sha256_file(file.raw, &digest)
    guard result == 0 else { throw SystemError("read", path, Errno(-result)) }
    return hex(digest: digest)
  }

  private static func hex(digest: [UInt8]) -> String {
    digest.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
  }
}
