import ProviumLua
package import ProviumRuntime
import ProviumSystem

/// Test files in Lua.
package struct LuaTests: TestSource {
  package init() {}

  package func discover(_ paths: [String], from directory: String, in configuration: Configuration) throws
    -> DiscoveredFiles
  {
    try TestDiscovery.find(
      paths,
      from: directory,
      project: configuration.root,
      fixtureFolders: configuration.settings.fixtureFolders
    )
  }

  package func list(_ file: TestFile, _ selection: TestSelection) throws -> TestList {
    TestList(file, LuaSourceScanner.scan(try Files.read(file.path)), selection)
  }

  /// A script that cannot be read may have been of any kind, and counts as shared.
  package func isShared(_ path: String) -> Bool {
    guard path.hasSuffix(".lua") else { return false }
    guard let source = try? Files.read(path) else { return true }
    return LuaSourceScanner.scan(source).tests.isEmpty
  }

  package func run(
    _ run: TestRun,
    interruption: Interruption,
    abandoned: @escaping @Sendable (EndedRun) -> Void
  ) -> EndedRun? {
    let session = FileSession(
      file: run.file,
      owner: run.number,
      engine: run.engine,
      filter: Self.filter(run.selection, run.file),
      timeout: run.timeLimit
    )
    let result = run.engine.stuckWatch.watching(
      session,
      giveUp: { result in
        abandoned(EndedRun(result: result, touched: [run.file.path], isCut: session.isInterrupted))
      }
    ) {
      interruption.listening(session) { session.run() }
    }
    guard let result else { return nil }
    return EndedRun(
      result: result,
      touched: session.touchedFiles,
      isCut: session.isInterrupted && result.hasFailed
    )
  }

  static func filter(_ selection: TestSelection, _ file: TestFile) -> SubTestFilter {
    // A file that cannot be read fails when it is loaded.
    let source = selection.isEverything || selection.cases != nil ? [] : (try? Files.read(file.path)) ?? []
    return SelectedTests(selection, in: LuaSourceScanner.scan(source)).filter
  }
}
