import Dispatch
import Glibc
import ProviumLua
package import ProviumRuntime
import ProviumScripts
import ProviumSystem
import Synchronization

/// All native cases of a package, found by reading its test files and the lists of its suites. Boots nothing and runs nothing.
package struct TestCatalogue: Sendable {
  package let files: [NativeFile]
  /// Why the configuration cannot be used, or why a folder that it names has no tests.
  package let complaint: String?
  /// The path of the configuration, where a complaint is shown.
  package let origin: String
  package let configuration: Configuration?

  package static let shared = TestCatalogue(root: findRoot())

  /// - Parameter root: The folder of `provium.toml`; nil if there is none, and so no tests.
  init(root: String?) {
    guard let root else {
      (files, complaint, origin, configuration) = ([], nil, "provium.toml", nil)
      return
    }
    origin = "\(root)/\(ConfigurationFile.name)"
    do {
      let configuration = try ConfigurationFile.load(origin)
      self.configuration = configuration
      var complaints: [String] = []
      var found: [NativeFile] = []
      // A suite whose tree is missing does not hide the scripts, nor the other way round.
      do { found += try Self.scripts(configuration, root: root) } catch { complaints.append("\(error)") }
      do { found += try Self.suites(configuration) } catch { complaints.append("\(error)") }
      files = Self.named(found, root: root)
      complaint = complaints.isEmpty ? nil : complaints.joined(separator: "\n")
    } catch {
      (files, complaint, configuration) = ([], "\(error)", nil)
    }
  }

  private static func scripts(_ configuration: Configuration, root: String) throws -> [NativeFile] {
    let paths = configuration.settings.tests
    // A package may have tests in Swift only.
    guard !paths.isEmpty else { return [] }
    let found = try TestDiscovery.find(
      paths,
      from: root,
      project: root,
      fixtureFolders: configuration.settings.fixtureFolders
    )
    for line in found.skipped { Diagnostics.say("warning: \(line)") }
    return read(found.files)
  }

  private static func suites(_ configuration: Configuration) throws -> [NativeFile] {
    guard !configuration.suites.isEmpty else { return [] }
    let suites = try ProjectTests(suitesOf: configuration)
    return suites.suiteFiles.map { file in
      let kind = file.suite.flatMap { configuration.suites[$0]?.kind.rawValue } ?? "suite"
      return .suite(file, of: suites, kind: kind)
    }
  }

  /// Gives each file a unique name. Files whose names would be equal (`a.b.lua` and `a_b.lua`) are named by their path in the
  /// project, or else numbered.
  private static func named(_ files: [NativeFile], root: String) -> [NativeFile] {
    var taken: Set<String> = []
    return files.map { file in
      var file = file
      if taken.contains(file.stem) {
        file.stem = NativeFile.stem(of: Files.display(file.file.path, from: root))
      }
      let wanted = file.stem
      var number = 2
      while !taken.insert(file.stem).inserted {
        file.stem = "\(wanted)~\(number)"
        number += 1
      }
      return file
    }
  }

  /// Reads files on all processors: in a debug build, 500 files take a third of a second on one.
  private static func read(_ files: [TestFile]) -> [NativeFile] {
    let width = max(1, min(HostFacts.processors, files.count / 16))
    let parts = Mutex([Int: [NativeFile]]())
    DispatchQueue.concurrentPerform(iterations: width) { part in
      let compiler = try? LuaState()
      let slice = files[files.count * part / width..<files.count * (part + 1) / width]
      let read = slice.map { NativeFile.read($0, compiler: compiler) }
      parts.withLock { $0[part] = read }
    }
    return parts.withLock { parts in (0..<width).flatMap { parts[$0] ?? [] } }
  }

  /// Finds the folder of `provium.toml`: `PROVIUM_ROOT`, or the first one upwards from the working directory or from the test
  /// executable (`ROOT/.build/…`). No user code runs before the cases are listed, so none can name it.
  private static func findRoot() -> String? {
    if let root = Environment["PROVIUM_ROOT"] { return Files.resolve(root, against: Files.currentDirectory) }
    var starts = [Files.currentDirectory]
    if let executable = realpath("/proc/self/exe", nil) {
      starts.append(Files.parent(of: String(cString: executable)))
      free(executable)
    }
    for start in starts {
      var folder = start
      while true {
        if Files.exists("\(folder)/\(ConfigurationFile.name)") { return folder }
        let above = Files.parent(of: folder)
        if above == folder || above.isEmpty { break }
        folder = above
      }
    }
    return nil
  }
}
