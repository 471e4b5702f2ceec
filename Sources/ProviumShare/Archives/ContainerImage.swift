import ProviumJSON
import ProviumSystem

/// A container image: an OCI layout (image-layout.md of the OCI image specification), or the archive of `docker save`.
struct ContainerImage {
  /// The most bytes of a description in JSON.
  private static let mostDescription = 4 << 20
  /// The most bytes of a layer.
  private static let mostBytes = 64 << 30
  /// The deepest nesting of indexes.
  private static let mostIndexes = 4

  /// The image in messages.
  let name: String
  /// Returns the path on the host of a file of the image; nil: there is none.
  private let find: (String) -> String?
  private let isDockerArchive: Bool

  /// An OCI layout in a folder of the host.
  init(layout folder: String, name: String) {
    self.name = name
    isDockerArchive = false
    find = { path in
      let full = "\(folder)/\(path)"
      return Files.isRegularFile(full) ? full : nil
    }
  }

  /// An image in an archive.
  /// - Parameters:
  ///   - tree: the archive's files.
  ///   - data: the folder with their contents.
  /// - Returns: nil if the archive is no image.
  init?(in tree: RootTree, name: String, data: String) {
    let root = tree.root.children
    let hasManifest = root[Array("manifest.json".utf8)]?.data != nil
    guard hasManifest || root[Array("oci-layout".utf8)]?.data != nil, root[Array("etc".utf8)] == nil else {
      return nil
    }
    self.name = name
    isDockerArchive = hasManifest
    find = { path in
      let parts = path.utf8.split(separator: UInt8(ascii: "/")).map { Array($0) }
      let node = (try? tree.find(parts, following: true)).flatMap { $0 }
      // A sparse file can be of any size, and its digest is made of all its bytes.
      guard let found = node, found.entry.size <= Self.mostBytes else { return nil }
      return found.data.map { "\(data)/\($0)" }
    }
  }

  static func isLayout(_ folder: String) -> Bool {
    Files.isRegularFile("\(folder)/oci-layout") && Files.isRegularFile("\(folder)/index.json")
  }

  /// The paths of the layers' archives on the host, the lowest first.
  func layers(for platform: String) throws(ShareProblem) -> [String] {
    let layers = isDockerArchive ? try dockerLayers() : try ociLayers(platform)
    guard !layers.isEmpty else { throw problem("it has no layers") }
    return layers
  }

  private func problem(_ reason: String) -> ShareProblem {
    ShareProblem("the image \(name) cannot be unpacked: \(reason)")
  }

  private func json(_ path: String, at file: String) throws(ShareProblem) -> JSONValue {
    guard let size = Files.size(file), size <= Self.mostDescription else {
      throw problem("\(path) has more than \(Self.mostDescription) bytes")
    }
    do { return try JSONParser.parse(try Files.read(file)) } catch {
      throw problem("\(path) is no JSON: \(error)")
    }
  }

  private func file(_ path: String) throws(ShareProblem) -> String {
    guard let file = find(path) else { throw problem("\(HarmlessText.line(path)) is not in it") }
    return file
  }

  /// The digest, in hex, of what an OCI layout's index names for a platform: an image, or an index of images.
  func digest(for platform: String) throws(ShareProblem) -> String {
    let chosen = try choose(from: try json("index.json", at: try file("index.json")), platform)
    return try hex(of: chosen)
  }

  // MARK: docker save

  private func dockerLayers() throws(ShareProblem) -> [String] {
    let manifest = try json("manifest.json", at: try file("manifest.json"))
    guard let images = manifest.array, let image = images.first, let layers = image["Layers"]?.array else {
      throw problem("manifest.json has no list of layers")
    }
    guard images.count == 1 else {
      let tags = images.compactMap { $0["RepoTags"]?.array?.first?.string }.joined(separator: ", ")
      throw problem("it holds \(images.count) images (\(HarmlessText.line(tags))): save one alone")
    }
    return try layers.map { layer throws(ShareProblem) in
      guard let path = layer.string else { throw problem("manifest.json has a layer without a name") }
      return try file(path)
    }
  }

  // MARK: OCI

  private func ociLayers(_ platform: String) throws(ShareProblem) -> [String] {
    var index = try json("index.json", at: try file("index.json"))
    for _ in 0..<Self.mostIndexes {
      let chosen = try choose(from: index, platform)
      let next = try json(Self.digest(chosen) ?? "a manifest", at: try blob(chosen))
      guard let layers = next["layers"]?.array else {
        guard next["manifests"] != nil else { throw problem("a manifest has neither layers nor manifests") }
        index = next
        continue
      }
      return try layers.map { layer throws(ShareProblem) in try blob(layer) }
    }
    throw problem("its indexes are nested more than \(Self.mostIndexes) times")
  }

  /// Chooses the image of an index for a platform.
  private func choose(from index: JSONValue, _ platform: String) throws(ShareProblem) -> JSONValue {
    let all = (index["manifests"]?.array ?? []).filter {
      // Attestations of a builder.
      $0["platform"]?["architecture"]?.string != "unknown"
    }
    let fitting = all.filter { manifest in
      guard let wanted = manifest["platform"] else { return true }
      return wanted["architecture"]?.string == platform && wanted["os"]?.string ?? "linux" == "linux"
    }
    guard let first = fitting.first else {
      let known = all.compactMap { $0["platform"]?["architecture"]?.string }.joined(separator: ", ")
      throw problem(
        "it has no image for \(platform)\(known.isEmpty ? "" : ", but for \(HarmlessText.line(known))")"
      )
    }
    guard fitting.allSatisfy({ Self.digest($0) == Self.digest(first) }) else {
      throw problem("it holds \(fitting.count) images for \(platform): copy one alone")
    }
    return first
  }

  private static func digest(_ descriptor: JSONValue) -> String? { descriptor["digest"]?.string }

  private func hex(of descriptor: JSONValue) throws(ShareProblem) -> String {
    let parts = (Self.digest(descriptor) ?? "").split(separator: ":")
    guard parts.count == 2, parts[0] == "sha256", parts[1].utf8.count == 64, Hex.bytes(parts[1]) != nil else {
      throw problem("a descriptor has no digest of the form sha256:…")
    }
    return String(parts[1])
  }

  /// The file of a descriptor, whose contents must have its digest.
  private func blob(_ descriptor: JSONValue) throws(ShareProblem) -> String {
    let digest = try hex(of: descriptor)
    let path = "blobs/sha256/\(digest)"
    let file = try file(path)
    let found: String
    do { found = try SHA256.hex(file: file) } catch { throw problem("\(error)") }
    guard found == digest.lowercased() else {
      throw problem("\(path) has other contents than its digest says")
    }
    return file
  }
}
