internal import CLinux

/// SHA-256 (FIPS 180-4), computed by the C shim. It identifies contents; it does not protect against an
/// adversary who can already write into the user's cache.
package enum SHA256 {
  package static func hex(_ bytes: [UInt8]) -> String {
    var digest = [UInt8](repeating: 0, count: 32)
    bytes.withUnsafeBytes { clinux_sha256($0.baseAddress, $0.count, &digest) }
    return Hex.text(digest)
  }

  /// Returns the digest of a file, which is read in pieces.
  package static func hex(file path: String) throws -> String {
    let file = try Descriptor.open(path, 0)
    var digest = [UInt8](repeating: 0, count: 32)
    let result = clinux_sha256_file(file.raw, &digest)
    guard result == 0 else { throw SystemError("read", path, Errno(-result)) }
    return Hex.text(digest)
  }
}
