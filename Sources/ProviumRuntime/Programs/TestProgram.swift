package import ProviumAgentClient
package import ProviumKTAP
package import ProviumSystem

/// A command in the guest that prints results: KTAP, TAP, `[PASS]` lines, or LTP's `TPASS:` lines.
package struct TestProgram: Sendable {
  /// The end of a program.
  package struct Ended: Sendable {
    /// As a shell reports it; 124 for a program that was ended at its time limit.
    package let exitStatus: Int32
    package let verdict: KTAPVerdict
    package let summary: KTAPSummary

    /// Whether the failed results alone explain why the program failed: nothing else has to be told.
    package var isExplainedByResults: Bool {
      guard case .failed = verdict else { return false }
      return summary.failures > 0 && summary.problems.isEmpty && summary.bailOut == nil
        && (1...127).contains(exitStatus)
    }
  }

  /// The most results of one program. A program that prints more is ended.
  package static let resultLimit = 50_000

  private let command: ByteString
  private let options: CommandOptions
  private let format: ProgramFormat

  /// - Parameters:
  ///   - command: a line for the guest's shell.
  ///   - format: the conventions of its results.
  package init(_ command: ByteString, _ options: CommandOptions, _ format: ProgramFormat = .kselftest) {
    self.format = format
    // One stream keeps the order of messages and results.
    self.command = ByteString(Array("exec 2>&1; ".utf8) + command.bytes)
    self.options = options
  }

  /// Runs the program to its end and reports each result as it is printed. Blocks. Memory is bounded whatever the program prints.
  /// - Parameter report: receives a result, and the seconds since the one before it. When it throws, the program is ended and the
  ///   error is passed on.
  /// - Throws: `GuestError`, or `ResultFlood`. The results that were printed before have been reported by then.
  package func run(
    on connection: AgentConnection,
    until deadline: Deadline,
    report: (KTAPResult, Double) throws -> Void
  ) throws -> Ended {
    var parser = KTAPParser(readsResults: format.readsResults)
    var count = 0
    var last = Deadline.now
    func deliver(_ results: [KTAPResult]) throws {
      for result in results {
        count += 1
        guard count <= Self.resultLimit else { throw ResultFlood() }
        let now = Deadline.now
        try report(result, Double(now - last) / 1e9)
        last = now
      }
    }
    let result: CommandResult
    do {
      result = try connection.exec(command, options, until: deadline) { piece, _ in
        var results: [KTAPResult] = []
        parser.read(piece) { results.append($0) }
        try deliver(results)
      }
    } catch let error as GuestError {
      // The guest may be gone, by what the program did: the results up to then explain that.
      var rest: [KTAPResult] = []
      _ = parser.finish { rest.append($0) }
      try deliver(rest)
      throw error
    }
    var rest: [KTAPResult] = []
    let summary = parser.finish { rest.append($0) }
    try deliver(rest)
    let status = result.timedOut ? KTAPVerdict.timedOutStatus : result.exitCode
    return Ended(
      exitStatus: status,
      verdict: KTAPVerdict(exitStatus: status, summary: summary, format: format),
      summary: summary
    )
  }
}

/// A program printed more results than are kept.
struct ResultFlood: CodedError, CustomStringConvertible {
  let code = ProviumError.Code.assertion
  let description = "the program printed more than \(TestProgram.resultLimit) results and was ended"
}
