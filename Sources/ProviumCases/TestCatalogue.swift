import Dispatch
import Glibc
import ProviumLua
package import ProviumRuntime
import ProviumSystem
import Synchronization

/// One sub-test that reading the source shows.
package struct CataloguedTest: Sendable {
  package let part: ScriptRun.Part
  /// `outer / inner`, made safe for the JUnit file.
  package let safeName: String
  package let line: Int
  package let column: Int
  /// A static `todo` or `skip`, of this test or one around it: shown as skipped, and nothing runs.
  package let disabled: String?
}

/// One Lua file, as listed.
package struct CataloguedFile: Sendable {
  package let file: TestFile
  package let tests: [CataloguedTest]
  /// What runners know the file by, without `.lua`: no other file has it, dots count as `_`.
  package internal(set) var stem: String
  /// The file does not parse: its one test fails with this.
  package let complaint: (message: String, line: Int)?

  init(file: TestFile, tests: [CataloguedTest], complaint: (message: String, line: Int)?) {
    self.file = file
    self.tests = tests
    self.complaint = complaint
    stem = Self.stem(of: file.name)
  }

  /// Swift Testing splits a suite's name at its dots.
  static func stem(of name: String) -> String {
    XMLText.name(name.hasSuffix(".lua") ? String(name.dropLast(4)) : name).replacing(".", with: "_")
  }

  package var name: String { XMLText.name(file.name) }

  /// Sub-tests that can be selected.
  package var enabledPaths: [[String]] {
    tests.compactMap { test in
      if test.disabled == nil, case .subTest(let path) = test.part { path } else { nil }
    }
  }
}

/// Every Lua test of the package, found by reading sources: boots nothing, runs nothing.
package struct TestCatalogue: Sendable {
  package let files: [CataloguedFile]
  /// What is wrong with the configuration, if something is.
  package let complaint: String?
  /// Where a complaint is shown.
  package let origin: String
  package let configuration: Configuration?

  package static let shared = TestCatalogue(root: findRoot())

  /// - Parameter root: the folder of `provium.toml`; nil: there is none, and so there are no Lua tests.
  init(root: String?) {
    guard let root else {
      (files, complaint, origin, configuration) = ([], nil, "provium.toml", nil)
      return
    }
    origin = "\(root)/\(ConfigurationFile.name)"
    do {
      let found = try Self.read(origin, root: root)
      (files, complaint, configuration) = (found.files, found.complaint, found.configuration)
    } catch {
      (files, complaint, configuration) = ([], "\(error)", nil)
    }
  }

  private static func read(
    _ path: String,
    root: String
  ) throws -> (files: [CataloguedFile], complaint: String?, configuration: Configuration) {
    let configuration = try ConfigurationFile.load(path)
    let paths = configuration.settings.tests
    guard !paths.isEmpty else {
      return ([], "\(path) names no tests: add tests = [\"…\"] under [provium]", configuration)
    }
    return (
      named(read(try TestDiscovery.find(paths, from: root, project: root)), root: root), nil, configuration
    )
  }

  /// Files that would have the same name (`a.b.lua` and `a_b.lua`, or the same name below two folders of tests) get names
  /// of their own: by their path in the project, else by a number.
  private static func named(_ files: [CataloguedFile], root: String) -> [CataloguedFile] {
    var taken: Set<String> = []
    return files.map { file in
      var file = file
      if taken.contains(file.stem) {
        file.stem = CataloguedFile.stem(of: TestFile.display(file.file.path, from: root))
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

  /// Reads files on all processors: in a debug build 500 of them take a third of a second on one.
  private static func read(_ files: [TestFile]) -> [CataloguedFile] {
    let width = max(1, min(HostFacts.processors, files.count / 16))
    let parts = Mutex([Int: [CataloguedFile]]())
    DispatchQueue.concurrentPerform(iterations: width) { part in
      let compiler = try? LuaState()
      let slice = files[files.count * part / width..<files.count * (part + 1) / width]
      let read = slice.map { catalogue($0, compiler: compiler) }
      parts.withLock { $0[part] = read }
    }
    return parts.withLock { parts in (0..<width).flatMap { parts[$0] ?? [] } }
  }

  /// No user code runs before discovery, so the project is found from outside: `PROVIUM_ROOT`, the working directory, or
  /// the test executable (`ROOT/.build/…`), upwards to the first `provium.toml`.
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

/// Says what no test can say, on standard error.
package enum Diagnostics {
  package static func say(_ text: String) {
    let line = Array("provium: \(text)\n".utf8)
    _ = line.withUnsafeBytes { write(2, $0.baseAddress, $0.count) }
  }
}
