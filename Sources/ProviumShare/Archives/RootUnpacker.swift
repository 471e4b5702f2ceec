import Glibc
import ProviumSystem

/// Unpacks archives into one tree of files, without root on the host: owners, device numbers and the like are kept beside it.
package final class RootUnpacker {
  /// Bounds for archives, which may be hostile.
  package struct Limits: Sendable {
    /// Files, folders and links of all archives together.
    package var entries = 2_000_000
    /// Bytes of the contents of all files together, without the holes of sparse files.
    package var bytes = 64 << 30

    package init() {}
  }

  /// Folders that are left out, without a leading `/`.
  package var leavesOut: [String] = []
  private let work: String
  private let limits: Limits
  var tree = RootTree()
  private var files = 0
  private var entries = 0
  private var bytes = 0

  /// - Parameter work: an empty folder of the host. The tree is made in `work/tree`, and its attributes in `work/attributes`.
  package init(in work: String, limits: Limits = Limits()) throws(ShareProblem) {
    self.work = work
    self.limits = limits
    do { try Files.createDirectories("\(work)/data", mode: 0o700) } catch { throw ShareProblem("\(error)") }
  }

  // MARK: Archives

  /// Adds an archive: the files of a root file system, or an image of `docker save`.
  /// - Parameters:
  ///   - platform: the architecture in container images: `amd64`, `arm64`.
  package func add(archive path: String, platform: String, progress: (String) -> Void) throws(ShareProblem) {
    let name = Files.display(path)
    progress("unpacking \(name)")
    try add(try ArchiveInput(path, name: name, temporary: work), isLayer: false, keepsLinks: false)
    guard let image = ContainerImage(in: tree, name: name, data: "\(work)/data") else { return }
    // The files of the archive are the layers of the image.
    tree = RootTree()
    try add(image, platform: platform, progress: progress)
  }

  /// Adds the image of an OCI layout.
  /// - Parameter name: the image in messages; nil: the folder's path.
  package func add(layout folder: String, name: String? = nil, platform: String, progress: (String) -> Void)
    throws(ShareProblem)
  {
    let image = ContainerImage(layout: folder, name: name ?? Files.display(folder))
    try add(image, platform: platform, progress: progress)
  }

  private func add(_ image: ContainerImage, platform: String, progress: (String) -> Void) throws(ShareProblem)
  {
    let layers = try image.layers(for: platform)
    for (number, layer) in layers.enumerated() {
      progress("unpacking layer \(number + 1) of \(layers.count) of \(image.name)")
      tree.beginLayer()
      let input = try ArchiveInput(
        layer,
        name: "layer \(number + 1) of \(image.name)",
        temporary: work
      )
      try add(input, isLayer: true, keepsLinks: false)
    }
  }

  /// Adds the files of a Debian package.
  package func add(package path: String) throws(ShareProblem) {
    let input = try ArchiveInput(
      output: "dpkg-deb",
      ["--fsys-tarfile", path],
      name: Files.display(path),
      temporary: work
    )
    try add(input, isLayer: false, keepsLinks: true)
  }

  /// Adds the files of an RPM package.
  package func add(rpm path: String) throws(ShareProblem) {
    let name = Files.display(path)
    let offset = try RPMPackage.archiveOffset(in: path, name: name)
    let input = try ArchiveInput(path, from: offset, name: name, temporary: work)
    try add(.cpio(CpioReader(input)), of: input, isLayer: false, keepsLinks: true)
  }

  /// Adds one small file, in place of the one that is there.
  package func add(_ text: String, at path: String, mode: UInt32 = 0o644) throws(ShareProblem) {
    var entry = ArchiveEntry()
    entry.path = path.utf8.split(separator: UInt8(ascii: "/")).map { Array($0) }
    entry.mode = mode
    try put(
      entry,
      data: try store { _ throws(ShareProblem) in Array(text.utf8) },
      "the userland",
      keepsLinks: false
    )
  }

  /// Adds a symbolic link, unless there is something.
  package func add(link target: String, at path: String) throws(ShareProblem) {
    let parts = path.utf8.split(separator: UInt8(ascii: "/")).map { Array($0) }
    guard case .some(.none) = try? tree.find(parts) else { return }
    var entry = ArchiveEntry()
    entry.path = parts
    entry.kind = .symbolicLink
    entry.target = Array(target.utf8)
    try put(entry, data: nil, "the userland", keepsLinks: false)
  }

  /// The contents of a file that was added; nil if there is none.
  package func contents(_ path: String) -> [UInt8]? {
    let parts = path.utf8.split(separator: UInt8(ascii: "/")).map { Array($0) }
    guard let node = (try? tree.find(parts, following: true)).flatMap({ $0 }), let data = node.data else {
      return nil
    }
    return try? Files.read("\(work)/data/\(data)")
  }

  // MARK: The end

  /// Writes the tree and its attributes. Call once.
  package func finish() throws(ShareProblem) {
    guard !tree.root.children.isEmpty else { throw ShareProblem("there are no files in it") }
    do { try Files.createDirectories("\(work)/tree", mode: 0o700) } catch { throw ShareProblem("\(error)") }
    var writer = RootWriter(data: "\(work)/data", target: "\(work)/tree")
    try writer.write(tree)
    do {
      try Files.write(Array(writer.index.text.utf8), to: "\(work)/attributes")
      try Files.removeTree("\(work)/data")
    } catch { throw ShareProblem("\(error)") }
  }

  // MARK: Entries

  private func isLeftOut(_ entry: ArchiveEntry) -> Bool {
    leavesOut.contains { folder in
      let parts = folder.utf8.split(separator: UInt8(ascii: "/")).map { Array($0) }
      return entry.path.starts(with: parts)
    }
  }

  private func add(_ input: ArchiveInput, isLayer: Bool, keepsLinks: Bool) throws(ShareProblem) {
    try add(.tar(TarReader(input)), of: input, isLayer: isLayer, keepsLinks: keepsLinks)
  }

  private func add(_ entries: ArchiveReader, of input: ArchiveInput, isLayer: Bool, keepsLinks: Bool)
    throws(ShareProblem)
  {
    var reader = entries
    while let entry = try reader.next() {
      self.entries += 1
      guard self.entries <= limits.entries else {
        throw input.problem("it has more than \(limits.entries) files")
      }
      if isLayer, try hide(entry, input) { continue }
      if isLeftOut(entry) { continue }
      switch entry.kind {
      // The guest's kernel makes its own devices.
      case .device: continue
      case .hardLink: try link(entry, input)
      case .file:
        bytes += entry.storedSize
        guard bytes <= limits.bytes else {
          throw input.problem("its files have more than \(Quantity.text(bytes: UInt64(limits.bytes)))")
        }
        let data = try store { file throws(ShareProblem) in
          var end = 0
          try reader.contents { piece, offset throws(ShareProblem) in
            try self.write(piece, at: offset, after: end, to: file, of: entry, input)
            end = offset + piece.count
          }
          guard end == entry.size || ftruncate(file, entry.size) == 0 else {
            throw self.sizeProblem(of: entry, input)
          }
          return nil
        }
        try put(entry, data: data, input.name, keepsLinks: keepsLinks)
      case .folder, .symbolicLink, .pipe: try put(entry, data: nil, input.name, keepsLinks: keepsLinks)
      }
    }
    try input.finish()
  }

  /// Writes a piece of a file.
  /// - Parameter end: the end of the piece before, where the file's position is.
  private func write(
    _ piece: UnsafeRawBufferPointer,
    at offset: Int,
    after end: Int,
    to file: Int32,
    of entry: ArchiveEntry,
    _ input: ArchiveInput
  ) throws(ShareProblem) {
    guard offset == end || lseek(file, offset, SEEK_SET) == offset else {
      throw sizeProblem(of: entry, input)
    }
    do { try Files.writeAll(piece, to: file, path: "\(work)/data") } catch {
      throw input.problem("\(error)")
    }
  }

  /// The error of a sparse file that is larger than the host's file system allows.
  private func sizeProblem(of entry: ArchiveEntry, _ input: ArchiveInput) -> ShareProblem {
    let error = Errno(errno)
    return input.problem("\(Self.shown(entry.path)) cannot have \(entry.size) bytes in \(work): \(error)")
  }

  /// Makes a file for contents.
  /// - Parameter write: returns the contents, or writes them to the descriptor and returns nil.
  /// - Returns: its number.
  private func store(_ write: (Int32) throws(ShareProblem) -> [UInt8]?) throws(ShareProblem) -> Int {
    files += 1
    let path = "\(work)/data/\(files)"
    do {
      let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_EXCL)
      if let bytes = try write(file.raw) { try Files.writeAll(bytes, to: file.raw, path: path) }
    } catch let problem as ShareProblem { throw problem } catch { throw ShareProblem("\(error)") }
    return files
  }

  private func put(
    _ entry: ArchiveEntry,
    data: Int?,
    _ archive: String,
    keepsLinks: Bool
  ) throws(ShareProblem) {
    guard let name = entry.path.last else {
      // The root itself.
      guard entry.kind == .folder else { throw ShareProblem("\(archive) cannot be unpacked: / is no folder") }
      tree.root.entry = entry
      return
    }
    tree.put(
      entry,
      data: data,
      name: name,
      in: try folder(of: entry.path, archive),
      keepsLinks: keepsLinks
    )
  }

  private func folder(of path: [[UInt8]], _ archive: String) throws(ShareProblem) -> RootTree.Node {
    do throws(RootTree.Impossible) {
      if let folder = try tree.find(path.dropLast(), following: true, creating: true), folder.isFolder {
        return folder
      }
    } catch {
      let reason =
        error == .tooManyLinks ? "leads through too many links" : "is below something that is no folder"
      throw ShareProblem("\(archive) cannot be unpacked: \(Self.shown(path)) \(reason)")
    }
    throw ShareProblem(
      "\(archive) cannot be unpacked: \(Self.shown(path)) is below something that is no folder"
    )
  }

  private func link(_ entry: ArchiveEntry, _ input: ArchiveInput) throws(ShareProblem) {
    let parts = entry.target.split(separator: UInt8(ascii: "/")).map(Array.init)
      .filter { $0 != [UInt8(ascii: ".")] }
    let found = parts.contains(Array("..".utf8)) ? nil : (try? tree.find(parts)).flatMap { $0 }
    guard let found, !found.isFolder, let name = entry.path.last else {
      throw input.problem(
        "\(Self.shown(entry.path)) is a hard link to \(ArchiveInput.shown(entry.target)), which is no file in it"
      )
    }
    found.layer = tree.layer
    try folder(of: entry.path, input.name).children[name] = found
  }

  /// Removes what a whiteout of a layer names (OCI image specification, layer.md).
  /// - Returns: whether the entry is a whiteout.
  private func hide(_ entry: ArchiveEntry, _ input: ArchiveInput) throws(ShareProblem) -> Bool {
    let mark = Array(".wh.".utf8)
    guard let name = entry.path.last, name.starts(with: mark) else { return false }
    let hidden = Array(name.dropFirst(mark.count))
    guard let folder = (try? tree.find(entry.path.dropLast(), following: true)).flatMap({ $0 }) else {
      return true
    }
    if hidden == Array(".wh..opq".utf8) {
      tree.hide(nil, in: folder)
    } else {
      guard ![[], [UInt8(ascii: ".")], Array("..".utf8)].contains(hidden) else {
        throw input.problem("the whiteout \(Self.shown(entry.path)) names no file")
      }
      // Other names with this prefix are for the tools that make layers.
      if !hidden.starts(with: mark) { tree.hide(hidden, in: folder) }
    }
    return true
  }

  private static func shown(_ path: [[UInt8]]) -> String {
    ArchiveInput.shown(Array(path.joined(separator: [UInt8(ascii: "/")])))
  }
}
