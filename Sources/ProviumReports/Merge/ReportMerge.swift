import ProviumEvents
import ProviumSystem

/// Joins the JSON-lines reports of a suite's shards into the events of one run, for any sink. Pure except
/// `init(reading:)`.
///
/// Times count from the earliest shard's start. VMs and reservations are renumbered. A file that several
/// shards ran is taken from the first shard in which it failed, else from the first shard: no failure is
/// hidden.
package struct ReportMerge: Sendable {
  /// The events in order of time, with one start and one end.
  package private(set) var events: [TimedEvent] = []
  /// Files that more than one shard ran, with the reports that contain them.
  package private(set) var duplicates: [(file: String, paths: [String])] = []
  /// Contradictions, in words: a shard without its end or missing, sums that differ, files that never ran or
  /// that no shard had to run.
  package private(set) var problems: [String] = []

  /// Reads and merges reports.
  /// - Throws: `ReportError` or `SystemError` with the path of the report that cannot be read.
  package init(reading paths: [String]) throws {
    try self.init(paths.map { try EventLog.read($0) })
  }

  /// Merges reports that were read before.
  /// - Throws: `ReportError` when there is no report, or one has no `run_started`.
  package init(_ logs: [EventLog]) throws {
    let shards = try logs.map { try ShardReport($0) }
    guard let first = shards.map(\.header.startedAt).min() else {
      throw ReportError("merge", "reports", "none was given")
    }
    for shard in shards { problems += shard.problems }
    problems += SplitCheck(shards).problems
    let owners = chooseOwners(shards)
    for (number, shard) in shards.enumerated() {
      events += shard.renumbered(as: number, shift: shard.header.startedAt - first) {
        (owners[$0] ?? number) == number
      }
    }
    events = events.enumerated().sorted { ($0.element.time, $0.offset) < ($1.element.time, $1.offset) }.map(
      \.element
    )
    let summary = ending(of: shards)
    let start = TimedEvent(time: 0, event: .runStarted(header(of: shards, startedAt: first)))
    let warnings =
      (problems + duplicates.map { "\($0.file) is in several reports: \($0.paths.joined(separator: ", "))" })
      .map { TimedEvent(time: 0, event: .warning(file: nil, text: $0)) }
    events = [start] + warnings + events
    events.append(TimedEvent(time: max(summary.duration, events.last?.time ?? 0), event: .runEnded(summary)))
  }

  /// Chooses the shard that each duplicate is taken from.
  private mutating func chooseOwners(_ shards: [ShardReport]) -> [String: Int] {
    var places: [String: [Int]] = [:]
    for (number, shard) in shards.enumerated() {
      for file in shard.files { places[file, default: []].append(number) }
    }
    var owners: [String: Int] = [:]
    for (file, numbers) in places.sorted(by: { $0.key < $1.key }) where numbers.count > 1 {
      duplicates.append((file, numbers.map { shards[$0].path }))
      owners[file] = numbers.first { shards[$0].failed.contains(file) } ?? numbers[0]
    }
    return owners
  }

  private func ending(of shards: [ShardReport]) -> RunSummary {
    let record = RunRecord(events)
    var summary = RunSummary(counting: record.results)
    summary.duration = events.last?.time ?? 0
    let reasons = shards.compactMap { shard in shard.stoppedEarly.map { "\(shard.path): \($0)" } }
    if !reasons.isEmpty { summary.stoppedEarly = reasons.joined(separator: "; ") }
    return summary
  }

  private func header(of shards: [ShardReport], startedAt: Double) -> RunHeader {
    let headers = shards.map(\.header)
    func joined(_ key: KeyPath<RunHeader, String>) -> String {
      var seen = Set<String>()
      return headers.map { $0[keyPath: key] }.filter { !$0.isEmpty && seen.insert($0).inserted }.joined(
        separator: ", "
      )
    }
    var seen = Set<String>()
    var kernels = Set<String>()
    let seeds = Set(headers.map(\.seed))
    return RunHeader(
      version: joined(\.version),
      qemu: joined(\.qemu),
      accelerator: joined(\.accelerator),
      acceleratorReason: joined(\.acceleratorReason),
      channel: joined(\.channel),
      channelReason: joined(\.channelReason),
      timeScale: headers.map(\.timeScale).max() ?? 1,
      slowdown: headers.compactMap(\.slowdown).max(),
      files: headers.flatMap(\.files).filter { seen.insert($0).inserted },
      parallel: headers.reduce(0) { $0 &+ $1.parallel },
      startedAt: startedAt,
      seed: seeds.count == 1 ? seeds.first ?? nil : nil,
      pool: nil,
      runDirectory: headers.first?.runDirectory ?? "",
      kernels: headers.flatMap(\.kernels).filter { kernels.insert($0).inserted }
    )
  }
}
