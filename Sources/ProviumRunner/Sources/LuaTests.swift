package import ProviumRuntime
package import ProviumScripts
import ProviumSystem

/// Test files in Lua.
package struct LuaTests: TestSource {
  package init() {}

  package func discover(_ paths: [String], from directory: String, in configuration: Configuration) throws
    -> DiscoveredFiles
  {
    try TestDiscovery.find(
      paths.isEmpty ? configuration.settings.tests : paths,
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
    let scope = ScopeControl(
      name: run.file.name,
      owner: run.number,
      services: run.engine.services,
      events: run.events,
      timeout: run.timeLimit
    )
    let ended = interruption.listening(scope.cancellation) {
      run.file.run(
        scope,
        engine: run.engine,
        filter: Self.filter(run.selection, run.file),
        giveUp: { result in
          let isCut = scope.cancellation.isRequested
          abandoned(EndedRun(result: result, touched: [run.file.path], isCut: isCut))
        }
      )
    }
    return ended.map {
      EndedRun(
        result: $0.result,
        touched: $0.touchedFiles,
        isCut: scope.cancellation.isRequested && $0.result.hasFailed
      )
    }
  }

  static func filter(_ selection: TestSelection, _ file: TestFile) -> SubTestFilter {
    // A file that cannot be read fails when it is loaded.
    let source = selection.isEverything || selection.cases != nil ? [] : (try? Files.read(file.path)) ?? []
    return SelectedTests(selection, in: LuaSourceScanner.scan(source)).filter
  }
}
