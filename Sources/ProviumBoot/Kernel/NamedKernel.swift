/// The files of a kernel that was named.
package struct NamedKernel: Sendable, Hashable {
  /// The path of the kernel file.
  package let kernel: String
  /// The path of the module folder, or of the build tree; nil: the usual places are tried.
  package var modules: String?
  /// The release, if it is known without reading the kernel.
  package var release: String?
  /// The folder in which it was built; nil: it is not known.
  package var buildTree: String?
  /// Whether it is a kernel of a distribution.
  package var isStock = false
}
