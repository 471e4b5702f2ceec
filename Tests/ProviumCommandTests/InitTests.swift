import Foundation
import ProviumJSON
import ProviumSystem
import Testing

@Suite("A new project") struct InitTests {
  private static let files = [
    ".luarc.json", ".provium/provium.schema.json", ".provium/types/provium.lua", "provium.toml",
    "tests/first.lua",
  ]

  @Test("has passing tests", .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")))
  func passes() throws {
    let project = try Project()
    let made = try Command("init", in: project.path)
    #expect(made.status == .exited(0), "\(made.text)")
    for file in Self.files { #expect(made.output.contains("wrote \(file)\n"), "\(file): \(made.text)") }
    let test = try Command("test", in: project.path)
    #expect(test.status == .exited(0) && test.output.contains("ok: 1 file passed"), "\(test.text)")
  }

  @Test("replaces no file, and writes what belongs to Provium again only when asked") func keeps() throws {
    let project = try Project(["provium.toml": "# mine\n", ".provium/types/provium.lua": "-- old\n"])
    // A link that leads nowhere is a file, too.
    symlink("nowhere", "\(project.path)/.luarc.json")
    let made = try Command("init", in: project.path)
    #expect(
      made.output.contains("kept  provium.toml\n") && made.output.contains("kept  .luarc.json\n"),
      "\(made.text)"
    )
    #expect(made.output.contains("kept  .provium/types/provium.lua: of another version"), "\(made.text)")
    #expect(try Files.readText("\(project.path)/provium.toml") == "# mine\n")
    #expect(!Files.exists("\(project.path)/nowhere"))
    let types = try Command("init", "--types", in: project.path)
    #expect(
      types.output == "wrote .provium/types/provium.lua\nwrote .provium/provium.schema.json\n",
      "\(types.text)"
    )
    #expect(try Files.readText("\(project.path)/.provium/types/provium.lua").hasPrefix("---@meta provium\n"))
    // As root, permissions are no obstacle: a file in the place of a folder is.
    let wrong = try Project(["tests": ""])
    let failed = try Command("init", in: wrong.path)
    #expect(failed.status == .exited(2) && failed.errors.contains("tests"), "\(failed.text)")
  }

  @Test("in a kernel build tree boots the kernel of that tree, once it is built") func tree() throws {
    let project = try Project(["Makefile": "", "Kconfig": "", "arch/x": ""])
    let made = try Command("init", in: project.path)
    #expect(made.output.contains("this kernel build tree is not built"), "\(made.text)")
    #expect(try Files.readText("\(project.path)/provium.toml").contains("# kernels = [\".\"]"))
    try project.shell(
      """
      rm provium.toml; mkdir -p arch/x86/boot arch/arm64/boot include/config; echo 6.99.0 > include/config/kernel.release
      echo kernel > arch/x86/boot/bzImage; echo kernel > arch/arm64/boot/Image
      """
    )
    let built = try Command("init", in: project.path)
    #expect(built.output.contains("the kernel of this build tree (6.99.0)"), "\(built.text)")
    let list = try Command("list", in: project.path)
    #expect(list.status == .exited(0) && list.output.hasPrefix("first.lua\n"), "\(list.text)")
    #expect(try Files.readText("\(project.path)/provium.toml").contains("\nkernels = [\".\"]"))
  }
}

@Suite("The tasks for VS Code") struct EditorTaskTests {
  private static let page =
    Files.parent(of: Files.parent(of: Files.parent(of: #filePath))) + "/Docs/Editors.md"

  @Test("match each failure, and no other line") func matcher() throws {
    let text = try Files.readText(Self.page)
    let start = try #require(text.range(of: "```json\n")).upperBound
    let end = try #require(text.range(of: "\n```", range: start..<text.endIndex)).lowerBound
    let tasks = try JSONParser.parse(Array(text[start..<end].utf8))
    let matchers = try #require(tasks["tasks"]?.array).compactMap { $0["problemMatcher"]?["pattern"] }
    try #require(matchers.count == 2 && matchers[0] == matchers[1])
    let expression = try NSRegularExpression(pattern: try #require(matchers[0]["regexp"]?.string))
    let project = try Project([
      "tests/fail.lua": """
      test("bad", function()
        assert_eq(1, 2)
      end)
      test("in a function", function()
        local function f() error("boom: 5") end
        f()
      end)
      test("good", function() print("tests/x.lua:1: in fact no failure") end)
      nothing.x = 1
      """,
      "tests/syntax.lua": "x = = 1\n",
    ])
    let command = try Command("test", "--color", "never", "tests", in: project.path)
    let found = command.output.split(separator: "\n").map(String.init).compactMap { line -> String? in
      let range = NSRange(line.startIndex..., in: line)
      guard let match = expression.firstMatch(in: line, range: range) else { return nil }
      let parts = ["file", "line", "message"].compactMap { matchers[0][$0]?.int }
      return parts.compactMap { Range(match.range(at: $0), in: line).map { String(line[$0]) } }.joined(
        separator: "|"
      )
    }
    #expect(
      found.sorted() == [
        "tests/fail.lua|2|expected 1, got 2", "tests/fail.lua|5|boom: 5",
        "tests/fail.lua|9|attempt to index a nil value (global 'nothing')",
        "tests/syntax.lua|1|unexpected symbol near '='",
      ],
      "\(command.text)"
    )
  }
}
