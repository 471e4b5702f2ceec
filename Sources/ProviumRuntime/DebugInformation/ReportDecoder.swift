import ProviumSystem

/// Adds the source lines to the frames of kernel reports, from debug information of the kernel that ran. Debug information of
/// another kernel is refused.
struct ReportDecoder {
  /// The known build IDs of the kernel that ran.
  struct BuildIDs {
    var kernel: String?
    /// The build ID of a loaded module; nil: unknown.
    var module: (String) -> String? = { _ in nil }
  }

  private let folders: DebugFolders
  private let buildIDs: BuildIDs
  private let tool: LineTool?
  /// For the user: why frames could not be decoded.
  private(set) var remarks: [String] = []

  init(_ folders: DebugFolders, _ buildIDs: BuildIDs = BuildIDs(), tool: LineTool? = .find()) {
    self.folders = folders
    self.buildIDs = buildIDs
    self.tool = tool
  }

  /// Returns the lines with ` (FILE:LINE)` after each frame whose line is known. Idempotent.
  mutating func decode(_ lines: [String]) -> [String] {
    // The line of a WARNING names its source line itself.
    let occurrences = lines.map { $0.contains("WARNING: ") ? [] : TraceFrame.occurrences(in: $0) }
    let frames = Set(occurrences.joined().map(\.frame))
    guard !frames.isEmpty else { return lines }
    var texts: [TraceFrame: String] = [:]
    let byModule = Dictionary(grouping: frames, by: \.module)
    let modules = Set(byModule.keys.compactMap { $0 })
    let moduleFiles = modules.isEmpty ? [:] : folders.moduleFiles(modules)
    for (module, frames) in byModule {
      let paths = module.map { moduleFiles[$0] ?? [] } ?? folders.kernels(buildID: buildIDs.kernel)
      let expected =
        module.map { name in frames.lazy.compactMap(\.buildID).first ?? buildIDs.module(name) }
        ?? buildIDs.kernel
      texts.merge(decode(Set(frames), in: paths, buildID: expected)) { first, _ in first }
    }
    return zip(lines, occurrences).map { line, occurrences in
      var result = ""
      var place = line.startIndex
      for occurrence in occurrences {
        result += line[place..<occurrence.end]
        if let text = texts[occurrence.frame].map({ " (\($0))" }), !line[occurrence.end...].hasPrefix(text) {
          result += text
        }
        place = occurrence.end
      }
      return result + line[place...]
    }
  }

  /// Decodes frames of one module, or of the kernel, by the first file that is that of the guest.
  private mutating func decode(_ frames: Set<TraceFrame>, in paths: [String], buildID: String?)
    -> [TraceFrame: String]
  {
    var refused: [String] = []
    for path in paths {
      guard let file = DebugFile(path) else { continue }
      if let buildID, let own = file.buildID, own != buildID {
        refused.append("\(Files.display(path)) has the build ID \(own), and the guest's is \(buildID)")
        continue
      }
      let matches = file.find(frames)
      if let wrong = matches.first(where: { if case .otherSize = $0.value { true } else { false } }),
        case .otherSize(let size) = wrong.value
      {
        let (own, guests) = (String(size, radix: 16), String(wrong.key.size, radix: 16))
        refused.append(
          "\(wrong.key.function) has 0x\(own) bytes in \(Files.display(path)), and 0x\(guests) in the guest"
        )
        continue
      }
      guard let tool else {
        remark(
          "call traces could have source lines from \(Files.display(path)), but no tool reads it: install binutils (addr2line)"
            + " or llvm (llvm-symbolizer)"
        )
        return [:]
      }
      do { return try texts(matches, in: file, tool) } catch {
        remark("call traces have no source lines: \(Files.display(path)): \(error)")
        return [:]
      }
    }
    if let reason = refused.first {
      remark("call traces have no source lines, since debug information is of another build: \(reason)")
    }
    return [:]
  }

  private func texts(_ matches: [TraceFrame: DebugFile.Match], in file: DebugFile, _ tool: LineTool) throws
    -> [TraceFrame: String]
  {
    var bySection: [Int: [(frame: TraceFrame, address: UInt64)]] = [:]
    for case (let frame, .found(let place)) in matches {
      bySection[place.section, default: []].append((frame, place.address &+ frame.offset))
    }
    var texts: [TraceFrame: String] = [:]
    for (section, found) in bySection {
      let name = file.sections.isRelocatable ? file.sections.all[section].name : nil
      let answers = try tool.lines(of: found.map(\.address), in: file.path, section: name)
      for (frame, lines) in zip(found.map(\.frame), answers) where !lines.isEmpty {
        texts[frame] = text(lines)
      }
    }
    return texts
  }

  /// `fs/proc/inode.c:352`, after inlined functions `pde_write fs/proc/inode.c:340 < fs/proc/inode.c:352`.
  private func text(_ lines: [LineTool.Line]) -> String {
    let places = lines.map { "\(Self.sourcePath($0.file, in: folders.trees)):\($0.line)" }
    let inlined = zip(lines, places).dropLast().map { "\($0.function) \($1)" }
    return HarmlessText.line((inlined + places.suffix(1)).joined(separator: " < "))
  }

  /// A path in the kernel's source without the folder in which it was built.
  /// - Parameter trees: the folders that may be build trees.
  static func sourcePath(_ path: String, in trees: [String] = []) -> String {
    var parts: [Substring] = []
    for part in path.split(separator: "/", omittingEmptySubsequences: false) {
      if part == ".", !parts.isEmpty { continue }
      if part == "..", let last = parts.last, last != "..", !last.isEmpty {
        parts.removeLast()
      } else {
        parts.append(part)
      }
    }
    // Debian builds in `debian/build/build_ARCH_FLAVOUR`, and assembles from `/build/…/linux-VERSION`; Fedora in
    // `/usr/src/debug/kernel-VERSION/linux-VERSION`.
    let root = parts.indices.last { index in
      let part = parts[index]
      if part.hasPrefix("build_") { return index > 0 && parts[index - 1] == "build" }
      return part.hasPrefix("linux-") && part.dropFirst(6).first?.isNumber == true
    }
    if let root, root + 1 < parts.count { return parts[(root + 1)...].joined(separator: "/") }
    let whole = parts.joined(separator: "/")
    if let tree = trees.first(where: { whole.hasPrefix("\($0)/") && Files.exists("\($0)/vmlinux") }) {
      return String(whole.dropFirst(tree.utf8.count + 1))
    }
    return whole.hasPrefix("/") ? Files.display(whole) : whole
  }

  private mutating func remark(_ text: String) { if !remarks.contains(text) { remarks.append(text) } }
}
