import ProviumSystem

/// An archive that can be the root of a guest.
package enum RootArchive {
  /// Whether a path of the host is an archive: a file, or an OCI layout.
  package static func isArchive(_ path: String) -> Bool {
    Files.isDirectory(path) ? ContainerImage.isLayout(path) : Files.exists(path)
  }

  /// The file whose contents identify the archive.
  package static func identity(_ path: String) -> String {
    Files.isDirectory(path) ? "\(path)/index.json" : path
  }

  /// The SHA-256, in hex, by which the contents of an archive are known. For an OCI layout, that of the image.
  package static func digest(of path: String, platform: String) throws(ShareProblem) -> String {
    if Files.isDirectory(path) {
      return try ContainerImage(layout: path, name: Files.display(path)).digest(for: platform)
    }
    do { return try SHA256.hex(file: path) } catch { throw ShareProblem("\(error)") }
  }

  /// Unpacks an archive.
  /// - Parameters:
  ///   - work: see `RootUnpacker.init`.
  ///   - platform: the architecture in container images: `amd64`, `arm64`.
  package static func unpack(
    _ path: String,
    platform: String,
    in work: String,
    limits: RootUnpacker.Limits = RootUnpacker.Limits(),
    progress: (String) -> Void = { _ in }
  ) throws(ShareProblem) {
    let unpacker = try RootUnpacker(in: work, limits: limits)
    if Files.isDirectory(path) {
      try unpacker.add(layout: path, platform: platform, progress: progress)
    } else {
      guard Files.isRegularFile(path) else {
        throw ShareProblem("\(Files.display(path)) is neither a folder nor an archive")
      }
      try unpacker.add(archive: path, platform: platform, progress: progress)
    }
    do throws(ShareProblem) { try unpacker.finish() } catch {
      throw ShareProblem("\(Files.display(path)) cannot be unpacked: \(error)")
    }
  }
}
