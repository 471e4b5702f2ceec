/// A file that is put into the guest before its init runs.
public struct GuestFile: Sendable, Hashable, Codable {
  /// Where the file's bytes come from.
  public enum Contents: Sendable, Hashable, Codable {
    case bytes([UInt8])
    /// A regular file of the host. It is read when the VM boots.
    case hostFile(String)
  }

  /// The absolute path in the guest, as the bytes that the kernel has.
  package var path: [UInt8]
  /// The source of the file's bytes.
  public var contents: Contents
  /// The permission bits; nil: those of the host file, and 0644 for given bytes.
  public var mode: UInt32?

  /// A file with the given bytes.
  /// - Parameter path: absolute; may not contain `..`.
  public init(_ path: String, _ contents: [UInt8], mode: UInt32 = 0o644) {
    self.init(path: Array(path.utf8), contents: .bytes(contents), mode: mode)
  }

  /// A file with the given text, in UTF-8.
  public init(_ path: String, _ text: String, mode: UInt32 = 0o644) {
    self.init(path, Array(text.utf8), mode: mode)
  }

  /// A copy of a host file.
  /// - Parameter mode: nil: the host file's own.
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
