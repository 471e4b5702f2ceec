package import ProviumEvents
package import ProviumRuntime
package import ProviumScripts

/// One run of one test file, as the runner asks for it.
package struct TestRun: Sendable {
  package let file: TestFile
  /// The number by which the resource pool tells files apart.
  package let number: Int
  package internal(set) var engine: Engine
  package let selection: TestSelection
  /// The time limit of the file, before the timeout multiplier.
  package let timeLimit: Duration
  /// Whether the user asked for this time limit: it then also holds where a file needs more.
  package let hasOwnTimeLimit: Bool
  /// Receives the events of the file; nil: the engine's stream.
  package var events: EventStream?
}

/// The end of one run of one test file.
package struct EndedRun: Sendable {
  package var result: FileResult
  /// Absolute paths of the host files whose change may change the result.
  package let touched: Set<String>
  /// The file failed because the run was interrupted. The result does not describe the file.
  package let isCut: Bool
}
