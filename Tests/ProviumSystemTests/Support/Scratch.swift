import Glibc
import ProviumSystem

/// A temporary directory, removed when the object is released.
final class Scratch: Sendable {
  let path: String
  init() throws {
    path = "/tmp/provium-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try Files.createDirectories(path)
  }
  deinit { try? Files.removeTree(path) }
}
