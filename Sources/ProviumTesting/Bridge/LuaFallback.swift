// Uses public API alone: for compilers that BridgedTests.swift was not written for, or with PROVIUM_FALLBACK=1. One parameterized
// test with one case for each test file; sub-tests cannot be selected or reported on their own.
#if !(compiler(>=6.3) && compiler(<6.6)) || PROVIUM_FALLBACK
  import ProviumRunner
  import Testing

  @Suite("Lua files (one case each: Provium's native bridge does not support this compiler)")
  struct LuaFallback {
    /// A test file as the argument of a test.
    struct Argument: Sendable, CustomTestStringConvertible {
      let file: NativeFile
      var testDescription: String { file.name }
    }

    @Test("Lua file", arguments: TestCatalogue.shared.files.map(Argument.init))
    func file(_ argument: Argument) async throws {
      try await ScriptScope.runWhole(argument.file)
    }

    @Test("provium.toml") func configuration() {
      guard let complaint = TestCatalogue.shared.complaint else { return }
      let location = SourceLocation(
        fileID: "LuaTests/provium",
        filePath: TestCatalogue.shared.origin,
        line: 1,
        column: 1
      )
      Issue.record(Comment(rawValue: XMLText.clean(complaint)), sourceLocation: location)
    }
  }
#endif
