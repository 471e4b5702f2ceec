import ProviumSystem

/// A kernel as users name it: a path, a kernel of the distribution, one in a container image, or one that was added to the library.
///
///     deb:6.1  deb:6.12-rt  deb:6.1.0-56-cloud-amd64    a package of the host's package sources
///     oci:localhost:5000/kernel:6.1  oci:build/image    a container image of a registry, or on the host
///     local:6.14.0-rc2                                  added with `provium kernel add`
///     build/bzImage  .  linux-image-6.1.0_amd64.deb     a file or a folder
package enum KernelName: Sendable, Hashable {
  case path(String)
  /// Without the prefix.
  case debian(String)
  /// Without the prefix.
  case image(ImageReference)
  /// Without the prefix.
  case local(String)

  static let debianPrefix = "deb:"
  static let localPrefix = "local:"

  package init(_ text: String) {
    if text.hasPrefix(Self.debianPrefix) {
      self = .debian(String(text.dropFirst(Self.debianPrefix.count)))
    } else if text.hasPrefix(ImageReference.prefix) {
      self = .image(ImageReference(String(text.dropFirst(ImageReference.prefix.count))))
    } else if text.hasPrefix(Self.localPrefix) {
      self = .local(String(text.dropFirst(Self.localPrefix.count)))
    } else {
      self = .path(text)
    }
  }

  /// The name with an absolute path, if it has a path.
  package static func resolve(_ text: String, against folder: String) -> String {
    switch KernelName(text) {
    case .path(let path): absolute(path, folder)
    case .image(.path(let path)): ImageReference.prefix + absolute(path, folder)
    case .image(.registry), .debian, .local: text
    }
  }

  private static func absolute(_ path: String, _ folder: String) -> String {
    let resolved = Files.resolve(path, against: folder)
    // `..` after a symbolic link is not the folder that its text suggests: the host's kernel resolves it.
    return resolved.split(separator: "/").contains("..") ? resolved : Files.normalize(resolved)
  }
}
