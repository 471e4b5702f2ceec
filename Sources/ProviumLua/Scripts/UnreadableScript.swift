import ProviumSystem

/// A script that is not a regular file.
struct UnreadableScript: Error, CustomStringConvertible {
  let path: String
  let kind: FileKind

  var description: String { "cannot load \(path): it is \(kind)" }
}
