package import ProviumEvents
package import ProviumRuntime
import ProviumSystem

extension TestFile {
  /// The end of a file's run.
  package struct Ended: Sendable {
    package let result: FileResult
    /// The host files whose change may change the result.
    package let touchedFiles: Set<String>
  }

  /// Runs the file on this thread, under the watch over stuck scripts. Blocks.
  /// - Parameters:
  ///   - control: the control of a scope with the file's name.
  ///   - giveUp: called instead of returning, on another thread, if the script is given up.
  /// - Returns: nil if the script was given up.
  package func run(
    _ control: ScopeControl,
    engine: Engine,
    filter: SubTestFilter,
    giveUp: @escaping @Sendable (FileResult) -> Void
  ) -> Ended? {
    let scope = MachineScope(
      control,
      fixtureSearch: FixtureSearch(folder: Files.parent(of: path), root: root)
    )
    let run = ScriptRun(path: path, root: root, scope: scope, fixtures: engine.fixtures, filter: filter)
    let result = StuckScriptWatch.shared.watching(
      control,
      path: displayPath,
      fixtures: engine.fixtures,
      giveUp: giveUp
    ) {
      run.run()
    }
    return result.map { Ended(result: $0, touchedFiles: run.touchedFiles) }
  }
}
