/// A file that is put into the guest before its init runs.
public struct GuestFile: Sendable, Hashable, Codable {
  /// Where the file's bytes come from.
  public enum Contents: Sendable, Hashable, Codable {
    /// The bytes themselves.
    case bytes([UInt8])
    /// The path of a regular file of the host. It is read when the VM boots.
    case hostFile(String)
  }

  /// The absolute path in the guest, as the bytes that the kernel has.
  package var path: [UInt8]
  /// The contents.
  public var contents: Contents
  /// The permission bits; nil: those of the host file, and 0644 for given bytes.
  public var mode: UInt32?

  /// A file with the given bytes.
  /// - Parameters:
  ///   - path: the absolute path in the guest; may not contain `..`.
  ///   - contents: the whole file.
  ///   - mode: the permission bits.
  public init(_ path: String, _ contents: [UInt8], mode: UInt32 = 0o644) {
    self.init(path: Array(path.utf8), contents: .bytes(contents), mode: mode)
  }

  /// A file with the given text, in UTF-8.
  /// - Parameters:
  ///   - path: the absolute path in the guest; may not contain `..`.
  ///   - text: the whole file.
  ///   - mode: the permission bits.
  public init(_ path: String, _ text: String, mode: UInt32 = 0o644) {
    self.init(path, Array(text.utf8), mode: mode)
  }

  /// A copy of a host file.
  /// - Parameters:
  ///   - path: the absolute path in the guest; may not contain `..`.
  ///   - hostFile: a regular file; relative to the folder of `provium.toml`, or absolute.
  ///   - mode: the permission bits; nil: those of the host file.
  public init(_ path: String, copying hostFile: String, mode: UInt32? = nil) {
    self.init(path: Array(path.utf8), contents: .hostFile(hostFile), mode: mode)
  }

  package init(path: [UInt8], contents: Contents, mode: UInt32?) {
    self.path = path
    self.contents = contents
    self.mode = mode
  }

  /// The path as text, for messages. What is not UTF-8 becomes U+FFFD.
  package var pathText: String { String(decoding: path, as: UTF8.self) }
}
