import ProviumRuntime
import ProviumScripts
import ProviumSystem

/// The files of a new project: configuration, a first test, and what editors read. Writes no file that exists.
package struct NewProject {
  /// The result for one file.
  package enum Step: Sendable, Hashable {
    case wrote(String)
    /// The file was there.
    case kept(String)
    /// The file is Provium's own, and another version of Provium wrote it.
    case outdated(String)
  }

  /// A kernel build tree in which the project is made.
  private enum Tree {
    case none
    /// The release of the kernel that was built there.
    case built(String)
    case notBuilt
  }

  static let typesFile = ".provium/types/provium.lua"
  static let schemaFile = ".provium/provium.schema.json"

  private let folder: String
  private let tree: Tree

  /// - Parameter folder: An absolute path.
  package init(in folder: String) {
    self.folder = folder
    if let release = KernelAdministration.builtTree(folder) {
      tree = .built(release)
    } else {
      tree = KernelAdministration.isTree(folder) ? .notBuilt : .none
    }
  }

  /// A sentence about the kernel that the tests will boot.
  package var kernel: String {
    switch tree {
    case .none: "the tests boot the kernel of the built-in profile; --kernel names another one"
    case .built(let release): "the tests boot the kernel of this build tree (\(release))"
    case .notBuilt:
      "this kernel build tree is not built: the tests boot the kernel of the built-in profile until provium.toml names it"
    }
  }

  /// Writes the files that do not exist.
  /// - Throws: `SystemError`.
  package func write() throws -> [Step] {
    try own.map { try write($0.text, to: $0.name, isOwn: true) }
      + [
        write(configuration, to: ConfigurationFile.name), write(Self.test, to: "tests/first.lua"),
        write(Self.luaSettings, to: ".luarc.json"),
      ]
  }

  /// Writes the files that are Provium's own again, as after an update.
  /// - Throws: `SystemError`.
  package func writeTypes() throws -> [Step] {
    try own.map { file in
      let path = "\(folder)/\(file.name)"
      try Files.createDirectories(Files.parent(of: path))
      try Files.replace(path, with: Array(file.text.utf8), mode: 0o644)
      return .wrote(file.name)
    }
  }

  private var own: [(name: String, text: String)] {
    [(Self.typesFile, EditorTypes.text), (Self.schemaFile, ConfigurationSchema.text)]
  }

  private func write(_ text: String, to name: String, isOwn: Bool = false) throws -> Step {
    let path = "\(folder)/\(name)"
    if Files.exists(path) || Files.isSymbolicLink(path) {
      return isOwn && (try? Files.readText(path)) != text ? .outdated(name) : .kept(name)
    }
    try Files.createDirectories(Files.parent(of: path))
    // A file that appeared meanwhile is not replaced either.
    try Files.create(path, with: Array(text.utf8), mode: 0o644)
    return .wrote(name)
  }

  // MARK: Contents

  private var configuration: String {
    let matrix =
      switch tree {
      case .built: "[matrix]\nkernels = [\".\"]                 # the kernel of this build tree\n"
      case .notBuilt:
        "# [matrix]\n# kernels = [\".\"]               # the kernel of this build tree, once it is built\n"
      case .none:
        "# [matrix]\n# kernels = [\"deb:6.1\", \"../linux\"] # run the tests on each of these kernels\n"
      }
    return """
      #:schema \(Self.schemaFile)
      [provium]
      tests = ["tests"]               # what `provium test` runs

      \(matrix)
      """
  }

  private static let test = """
    local vm = provium.create():boot()

    test("the kernel says its name", function()
      local result = vm:exec("uname -s")
      assert(result.ok, result.stderr)
      assert_eq("Linux", result.stdout.trim())
    end)

    test("a file keeps its contents", function()
      vm:write_file("/tmp/greeting", "hello")
      assert_eq("hello", vm:read_file("/tmp/greeting"))
    end)

    """

  private static let luaSettings = """
    {
      "runtime.version": "Lua 5.4",
      "workspace.library": [".provium/types"],
      "workspace.checkThirdParty": false
    }

    """
}
