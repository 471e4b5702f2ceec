import ProviumShare
import ProviumSystem

/// Kernels of package files and container images, which are kept by the digest of their contents.
extension KernelLibrary {
  private func place(digest: String) -> String { "\(folder)/sha256-\(digest)" }

  private func note(path: String, key: String) -> CacheNote {
    CacheNote("\(folder)/names/\(SHA256.hex(Array(path.utf8)).prefix(32))", key: key)
  }

  /// The kernel of a package file, an OCI layout or an image's archive, which is unpacked once.
  func unpacked(_ path: String, isImage: Bool, progress: (String) -> Void) throws -> Entry {
    let note = note(path: path, key: "\(path) \(try FileFacts(RootArchive.identity(path)))")
    if let known = note.value, let entry = Entry(place(digest: known)) { return entry }
    let digest: String
    do throws(ShareProblem) {
      digest = try RootArchive.digest(of: path, platform: architecture.debianName)
    } catch {
      throw ImageError.notAKernel(path: path, what: "\(error)")
    }
    let name = HarmlessText.line(isImage ? ImageReference.prefix + path : path)
    let entry = try entry(digest: digest, name: name) { unpacker, tree in
      try isImage
        ? unpacker.unpack(image: path, name: Files.display(path), to: tree, progress: progress)
        : unpacker.unpack([path], to: tree, progress: progress)
    }
    note.write(digest)
    return entry
  }

  /// The kernel with a digest, from the cache or unpacked.
  private func entry(
    digest: String,
    name: String,
    _ unpack: (_ unpacker: KernelUnpacker, _ tree: String) throws -> String
  ) throws -> Entry {
    let place = place(digest: digest)
    if let kept = Entry(place) { return kept }
    return try staged { unpacker, tree in
      let release = try unpack(unpacker, tree)
      return try keep(name, at: place, release: release) { try Files.rename(tree, to: $0) }
    }
  }

  // MARK: Registries

  /// The kernel of an image that was fetched; nil: it was not, or is not in the cache any more.
  func known(_ image: RegistryImage) -> Entry? {
    if let digest = image.digest, let entry = Entry(place(digest: digest)) { return entry }
    return note(path: image.name, key: image.name).value.flatMap { Entry(place(digest: $0)) }
  }

  /// The kernel of an image: the one that was fetched by this name before, else the registry's.
  func entry(of image: RegistryImage, progress: (String) -> Void) throws -> Entry {
    if let known = known(image) { return known }
    return try fetch(image, progress: progress)
  }

  /// Fetches what a registry has for a name at present, unless the cache has it.
  /// - Throws: `ImageError`.
  func fetch(_ image: RegistryImage, progress: (String) -> Void) throws -> Entry {
    try Files.createDirectories(folder)
    let digest = try image.currentDigest()
    let entry = try entry(digest: digest, name: image.pinned(to: digest)) { unpacker, tree in
      progress("fetching \(image.name)")
      let layout = Files.parent(of: tree)
      try image.fetch(digest: digest, platform: architecture.debianName, into: layout)
      do {
        return try unpacker.unpack(image: "\(layout)/image", name: image.name, to: tree, progress: progress)
      } catch {
        throw image.problem(error)
      }
    }
    note(path: image.name, key: image.name).write(digest)
    return entry
  }

  /// The names by which images were fetched, by the folders of their kernels.
  package func imageNames() -> [String: [String]] {
    let names = "\(folder)/names"
    return ((try? Files.list(names)) ?? []).reduce(into: [:]) { result, file in
      guard let lines = try? Files.readText("\(names)/\(file)").split(separator: "\n"), lines.count == 2,
        lines[0].hasPrefix(ImageReference.prefix)
      else { return }
      result[place(digest: String(lines[1])), default: []].append(String(lines[0]))
    }
  }
}
