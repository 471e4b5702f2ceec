import Glibc
internal import CLinux

extension Files {
  /// Returns a digest of a file's contents in hex. Two files of the same size and contents have the same
  /// digest, also where one of them is sparse and the other is not. Detects damage; not cryptographic.
  /// Blocks; zeros cost almost nothing.
  package static func contentDigest(_ path: String) throws -> String {
    let file = try Descriptor.open(path, O_RDONLY)
    var lanes: [UInt64] = [0, 0, 0, 0]
    let result = clinux_content_digest(file.raw, &lanes)
    guard result == 0 else { throw SystemError("read", path, Errno(-result)) }
    return lanes.map { lane in
      let digits = String(lane, radix: 16)
      return String(repeating: "0", count: 16 - digits.count) + digits
    }.joined()
  }
}
