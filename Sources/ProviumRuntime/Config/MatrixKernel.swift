import ProviumBoot
import ProviumSystem

/// One kernel of a run: a column of its matrix.
package struct MatrixKernel: Sendable, Hashable {
  /// As `KernelName` reads it. A path is absolute.
  package let name: String
  /// The kernel in reports: as the user named it, without `.` and `..`.
  package let label: String

  /// - Parameter folder: The folder in which a relative path starts.
  package init(_ text: String, against folder: String) {
    name = KernelName.resolve(text, against: folder)
    if name == text {
      label = HarmlessText.line(text)
    } else {
      let parts = text.split(separator: "/")
      let isPlain = parts.allSatisfy { $0 != "." && $0 != ".." }
      label = HarmlessText.line(isPlain ? parts.joined(separator: "/") : Files.canonical(name))
    }
  }
}
