/// One test file on one kernel of a run.
package struct MatrixCell: Sendable, Hashable {
  /// The file's name without the kernel.
  package let file: String
  /// The kernel as the user named it; nil in a run that was told no kernel.
  package let kernel: String?

  package init(file: String, kernel: String?) {
    self.file = file
    self.kernel = kernel
  }

  /// The name that tells the cells of one file apart: `net/tcp.lua [deb:6.1]`.
  package static func name(_ file: String, on kernel: String) -> String { "\(file) [\(kernel)]" }
}

extension RunHeader {
  /// Whether each file runs on several kernels.
  package var isMatrix: Bool { kernels.count > 1 }

  /// The cell that a name in the events belongs to.
  package func cell(of name: String) -> MatrixCell {
    guard isMatrix else { return MatrixCell(file: name, kernel: kernels.first) }
    // The longest kernel: one name may be the end of another.
    let kernel = kernels.filter { name.hasSuffix(MatrixCell.name("", on: $0)) }.max { $0.count < $1.count }
    guard let kernel else { return MatrixCell(file: name, kernel: nil) }
    return MatrixCell(file: String(name.dropLast(MatrixCell.name("", on: kernel).count)), kernel: kernel)
  }
}
