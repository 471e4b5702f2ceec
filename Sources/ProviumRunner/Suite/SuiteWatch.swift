package import ProviumRuntime
import ProviumSystem

/// Runs a suite, and again the files that a change affects, until it is interrupted.
package struct SuiteWatch {
  /// How the watching ended.
  package enum Ending: Sendable {
    case interrupted
    /// `provium.toml` changed: everything must be read again.
    case configurationChanged
  }

  /// A step between two rounds, for the user.
  package enum Step: Sendable {
    /// A round ended, and all of its events were sent.
    case roundEnded
    case waiting(files: Int)
    case changed(String)
    /// The next round begins.
    case roundBegins
  }

  private let run: SuiteRun
  private let interruption: Interruption

  package init(_ run: SuiteRun, interruption: Interruption) {
    self.run = run
    self.interruption = interruption
  }

  /// - Parameter onStep: Called on the calling thread.
  /// - Throws: `SystemError` if files cannot be watched.
  package func run(configuration: Configuration, onStep: (Step) throws -> Void) throws -> Ending {
    var watch = try FileWatch(run.selection.files, configuration: configuration)
    var files = run.selection.files
    while true {
      let touched = try run.runRound(files)
      try onStep(.roundEnded)
      watch.note(touched)
      guard interruption.reason == nil else { return .interrupted }
      try onStep(.waiting(files: watch.count))
      guard let change = try watch.nextChange(until: interruption.event) else { return .interrupted }
      try onStep(.changed(change.summary))
      guard !change.isConfiguration else { return .configurationChanged }
      files = change.files
      run.checkFixturesAgain()
      try onStep(.roundBegins)
    }
  }
}
