import Glibc
import ProviumBlock
import ProviumSystem

extension BlockDisk {
  /// A disk of zeroes with temporary files in /tmp.
  convenience init(testing size: Int, _ adjust: (inout Properties) -> Void = { _ in }) throws {
    var properties = Properties(size: size)
    adjust(&properties)
    try self.init(properties, folder: "/tmp")
  }

  @discardableResult
  func write(_ bytes: [UInt8], at offset: Int, isDurable: Bool = false) -> Errno? {
    bytes.withUnsafeBytes {
      perform(
        DiskRequest(.write, offset: offset, count: bytes.count, isDurable: isDurable),
        payload: $0
      )?.errno
    }
  }

  @discardableResult
  func flush() -> Errno? { perform(DiskRequest(.flush))?.errno }

  @discardableResult
  func zero(_ offset: Int, _ count: Int, _ operation: DiskRequest.Operation = .zero) -> Errno? {
    perform(DiskRequest(operation, offset: offset, count: count))?.errno
  }
}

func block(_ byte: UInt8, _ count: Int = 4096) -> [UInt8] { [UInt8](repeating: byte, count: count) }

/// A folder that is removed at the end of `body`.
func withFolder<Result>(_ body: (String) throws -> Result) throws -> Result {
  var template = Array("/tmp/provium-block-XXXXXX".utf8CString)
  guard mkdtemp(&template) != nil else { throw SystemError("make a folder in", "/tmp") }
  let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
  defer { try? Files.removeTree(folder) }
  return try body(folder)
}

/// The simplest disk there is, to compare with.
struct ModelDisk {
  private(set) var visible: [UInt8]
  private(set) var durable: [UInt8]

  init(size: Int) { (visible, durable) = (block(0, size), block(0, size)) }

  mutating func write(_ bytes: [UInt8], at offset: Int, isDurable: Bool) {
    visible.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    if isDurable { durable.replaceSubrange(offset..<offset + bytes.count, with: bytes) }
  }
  mutating func flush() { durable = visible }
  mutating func cut() { visible = durable }
}
