import ProviumBoot
import ProviumSystem

/// The places where debug information of a kernel may be: the build tree that was booted, the folders of debug packages, and
/// the folder of such packages in the cache.
struct DebugFolders: Sendable {
  /// The release of the kernel; empty: unknown.
  private let release: String
  /// The folders that contain `boot` and `lib/modules`, as a debug package has them.
  private let packages: [String]
  /// The folders above the kernel that was named, up to the root of its build tree.
  let trees: [String]
  /// Folders and files of modules that were put into the guest.
  private let modules: [String]
  /// The folder of the project: modules that it builds are in it, or not far below it.
  private let project: String?

  private static let system = "/usr/lib/debug"
  private static let deepest = 12
  private static let deepestInProject = 3

  /// - Parameters:
  ///   - kernel: the path that a profile or `--kernel` names.
  ///   - modules: folders and files of modules that were put into the guest.
  ///   - project: the folder of `provium.toml`.
  init(release: String, kernel: String?, modules: [String] = [], project: String? = nil, cache: String) {
    self.release = release.contains("/") || release == ".." ? "" : release
    self.project = project
    packages = [Self.system, "\(cache)/debug\(Self.system)"]
    self.modules = modules
    var trees: [String] = []
    if let kernel, kernel.hasPrefix("/") {
      // A build tree, or a file in one: arch/x86/boot/bzImage.
      var folder = Files.isDirectory(kernel) ? kernel : Files.parent(of: kernel)
      for _ in 0..<4 where folder.utf8.count > 1 {
        trees.append(folder)
        folder = Files.parent(of: folder)
      }
    }
    self.trees = trees
  }

  /// The paths where a vmlinux of the kernel may be, the best first.
  /// - Parameter buildID: of the kernel that ran.
  func kernels(buildID: String?) -> [String] {
    var paths = trees.map { "\($0)/vmlinux" }
    for folder in packages {
      if let id = buildID, id.utf8.count > 2 {
        paths.append("\(folder)/.build-id/\(id.prefix(2))/\(id.dropFirst(2)).debug")
      }
      guard !release.isEmpty else { continue }
      paths += ["\(folder)/boot/vmlinux-\(release)", "\(folder)/lib/modules/\(release)/vmlinux"]
    }
    return paths.filter(Files.isRegularFile)
  }

  /// The files of modules, by the modules' names with `_` in place of `-`; the best first.
  func moduleFiles(_ names: Set<String>) -> [String: [String]] {
    var found: [String: [String]] = [:]
    func add(_ path: String) {
      let file = path.split(separator: "/").last.map(String.init) ?? ""
      guard let end = file.firstRange(of: ".ko"), ["", ".debug"].contains(String(file[end.upperBound...]))
      else {
        return
      }
      let name = String(file[..<end.lowerBound]).replacing("-", with: "_")
      if names.contains(name) { found[name, default: []].append(path) }
    }
    for path in modules {
      if Files.isDirectory(path) { Self.walk(path, Self.deepest, add) } else { add(path) }
    }
    for tree in trees {
      // Since Linux 6.4 it names the object files.
      for line in ((try? Files.readText("\(tree)/modules.order")) ?? "").split(separator: "\n") {
        add("\(tree)/\(line.hasSuffix(".o") ? "\(line.dropLast(2)).ko" : line)")
      }
    }
    if !release.isEmpty {
      for folder in packages { Self.walk("\(folder)/lib/modules/\(release)", Self.deepest, add) }
    }
    if let project { Self.walk(project, Self.deepestInProject, add) }
    return found
  }

  /// A folder that may have modules in it and below it, or a module.
  struct ModulePlace {
    let path: String
    /// Of folders, with the folder itself.
    let levels: Int
  }

  /// The places where modules of the kernel may be, the best first.
  var modulePlaces: [ModulePlace] {
    let installed = release.isEmpty ? [] : packages.map { "\($0)/lib/modules/\(release)" }
    let built = trees.filter { Files.exists("\($0)/modules.order") }
    return (modules + built + installed).map { ModulePlace(path: $0, levels: Self.deepest) }
      + (project.map { [ModulePlace(path: $0, levels: Self.deepestInProject)] } ?? [])
  }

  private static func walk(_ folder: String, _ levels: Int, _ add: (String) -> Void) {
    guard levels > 0 else { return }
    for name in (try? Files.list(folder)) ?? [] {
      let path = "\(folder)/\(name)"
      if name.contains(".ko") {
        add(path)
      } else if !name.contains("."), !Files.isSymbolicLink(path), Files.isDirectory(path) {
        walk(path, levels - 1, add)
      }
    }
  }
}
