import ArgumentParser
import ProviumReports
import ProviumRunner

/// Options that choose tests and their order.
struct SelectionOptions: ParsableArguments {
  @Option(
    name: [.customShort("f"), .customLong("filter")],
    help: ArgumentHelp("Run only files whose path contains TEXT (repeatable).", valueName: "text")
  )
  var filters: [String] = []
  @Option(
    name: .customLong("test"),
    help: ArgumentHelp(
      "Run only sub-tests whose name (OUTER / INNER) contains NAME (repeatable).",
      valueName: "name"
    )
  )
  var tests: [String] = []
  @Option(name: .customLong("tag"), help: "Run only sub-tests with this tag (repeatable).")
  var tags: [String] = []
  @Option(name: .customLong("no-tag"), help: "Leave out sub-tests with this tag (repeatable).")
  var excludedTags: [String] = []
  @Flag(name: .customLong("include-slow"), help: "Run sub-tests marked slow, too.")
  var includeSlow = false
  @Option(
    name: .customLong("shard"),
    help: ArgumentHelp("Run one part of the suite.", valueName: "index/total")
  )
  var shard: Shard?
  @Option(
    name: .customLong("durations"),
    help: ArgumentHelp("Balance shards by the --json of an earlier run.", valueName: "file")
  )
  var durations: String?
  @Flag(name: .customLong("rerun-failed"), help: "Run only files that failed when they last ran.")
  var rerunFailed = false
  @Flag(name: .customLong("failed-first"), help: "Run files that failed when they last ran first.")
  var failedFirst = false
  @Option(
    name: .customLong("since"),
    help: ArgumentHelp("Run only files affected by changes since this Git revision.", valueName: "revision")
  )
  var since: String?
  @Flag(name: .customLong("shuffle"), help: "Run files in random order and print the seed.")
  var shuffle = false
  @Option(name: .customLong("seed"), help: ArgumentHelp("Repeat the order of --shuffle.", valueName: "n"))
  var seed: UInt64?

  func validate() throws {
    guard seed == nil || shuffle else { throw ValidationError("--seed needs --shuffle") }
  }

  var testSelection: TestSelection {
    var selection = TestSelection()
    selection.names = tests
    selection.tags = tags
    selection.excludedTags = excludedTags
    selection.includesSlow = includeSlow
    return selection
  }

  /// - Throws: If the record of `--durations` cannot be read.
  func criteria() throws -> SuiteCriteria {
    var criteria = SuiteCriteria()
    criteria.filters = filters
    criteria.tests = testSelection
    criteria.shard = shard
    criteria.durations = try durations.map { path in
      let results = RunRecord(try EventLog.read(path).events).results
      let seconds = results.map { ($0.file, $0.duration) }
      return RecordedDurations(path: path, seconds: Dictionary(seconds, uniquingKeysWith: { $1 }))
    }
    criteria.rerunFailed = rerunFailed
    criteria.failedFirst = failedFirst
    criteria.since = since
    criteria.seed = shuffle ? seed ?? UInt64.random(in: 0...UInt64(UInt32.max)) : nil
    return criteria
  }
}
