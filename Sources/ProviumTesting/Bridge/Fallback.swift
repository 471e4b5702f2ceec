// Public API alone: for compilers outside the window of Bridge.swift, or with -DPROVIUM_FALLBACK. One parameterised test,
// one case a Lua file; sub-tests cannot be selected or reported on their own.
#if !(compiler(>=6.3) && compiler(<6.6)) || PROVIUM_FALLBACK
  import ProviumCases
  import ProviumRuntime
  import Testing

  @Suite("Lua files (one case each: this compiler is outside the window of Provium's native bridge)")
  struct LuaFallback {
    /// One Lua file as a test's argument.
    struct Argument: Sendable, CustomTestStringConvertible {
      let file: CataloguedFile
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
