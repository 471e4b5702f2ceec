import Glibc

/// Messages on standard error that belong to no test.
package enum Diagnostics {
  package static func say(_ text: String) {
    let line = Array("provium: \(text)\n".utf8)
    _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
  }
}
