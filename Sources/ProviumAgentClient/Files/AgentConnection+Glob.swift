import Glibc
package import ProviumSystem

extension AgentConnection {
  /// Returns the paths that match a pattern, sorted by bytes: `*`, `?` and `[…]` as in glob(7), within the parts between slashes.
  /// A leading dot of a name is matched only by a dot. Folders that cannot be read match nothing.
  /// - Parameter limit: paths. More are an error.
  package func glob(_ pattern: ByteString, limit: Int = 1 << 20, until deadline: Deadline) throws
    -> [ByteString]
  {
    let bytes = try pattern.checkedPath().bytes
    let slash = UInt8(ascii: "/")
    var paths: [ByteString] = [bytes.first == slash ? "/" : ""]
    for part in bytes.split(separator: slash) {
      let part = ByteString(Array(part))
      if part.hasMagic {
        paths = try paths.flatMap { try matches(of: part, in: $0, until: deadline) }
      } else {
        let name = part.withoutEscapes
        paths = paths.map { $0.isEmpty ? name : $0.appending(name) }
      }
      guard paths.count <= limit else {
        throw GuestError.tooLarge("glob(\"\(pattern)\") gives more than \(limit) paths")
      }
    }
    return try paths.filter { try !$0.isEmpty && exists($0, until: deadline) }.sorted()
  }

  private func matches(of part: ByteString, in folder: ByteString, until deadline: Deadline) throws
    -> [ByteString]
  {
    let entries: [DirectoryEntry]
    do { entries = try list(folder.isEmpty ? "." : folder, until: deadline) } catch GuestError.refused(
      let errno,
      _
    ) where [ENOENT, ENOTDIR, EACCES, ELOOP].contains(errno.number) { return [] }
    let pattern = part.bytes.map { CChar(bitPattern: $0) } + [0]
    return entries.compactMap { entry in
      guard !entry.name.bytes.contains(0) else { return nil }
      let name = entry.name.bytes.map { CChar(bitPattern: $0) } + [0]
      guard fnmatch(pattern, name, FNM_PERIOD) == 0 else { return nil }
      return folder.isEmpty ? entry.name : folder.appending(entry.name)
    }
  }
}

extension ByteString {
  fileprivate var hasMagic: Bool {
    var isEscaped = false
    for byte in bytes {
      if isEscaped {
        isEscaped = false
      } else if byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else if [UInt8(ascii: "*"), UInt8(ascii: "?"), UInt8(ascii: "[")].contains(byte) {
        return true
      }
    }
    return false
  }

  fileprivate var withoutEscapes: ByteString {
    var (plain, isEscaped) = ([UInt8](), false)
    for byte in bytes {
      if !isEscaped, byte == UInt8(ascii: "\\") {
        isEscaped = true
      } else {
        plain.append(byte)
        isEscaped = false
      }
    }
    return ByteString(plain)
  }
}
