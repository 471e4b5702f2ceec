internal import GRDB
package import ProviumEvents
import ProviumSystem

/// Results and durations of past runs, in a small SQLite database in the cache: for the estimate, shards,
/// `--rerun-failed`, `--failed-first` and `provium history`.
///
/// Files are known by the absolute path of their tests' root and their name in it, so that two projects that share a
/// cache do not meet.
package final class History: Sendable {
  private let database: DatabaseQueue

  /// Opens or creates the database at `path`. One that another version of Provium wrote in a way that cannot be
  /// brought up to date, or that is no database, is put aside (`.broken`), never trusted and never deleted.
  package convenience init(path: String) throws {
    try Files.createDirectories(Files.parent(of: path))
    do {
      self.init(try Self.open(path))
    } catch let error as DatabaseError
      where error.resultCode == .SQLITE_NOTADB || error.resultCode == .SQLITE_CORRUPT
    {
      try? Files.removeTree("\(path).broken")
      try Files.rename(path, to: "\(path).broken")
      self.init(try Self.open(path))
    }
  }

  /// In memory, for tests.
  package convenience init() throws {
    let database = try DatabaseQueue()
    try Self.migrator.migrate(database)
    self.init(database)
  }

  private init(_ database: DatabaseQueue) { self.database = database }

  private static func open(_ path: String) throws -> DatabaseQueue {
    var configuration = GRDB.Configuration()
    // Several runs may end at once: each waits for the other's few milliseconds.
    configuration.busyMode = .timeout(5)
    let database = try DatabaseQueue(path: path, configuration: configuration)
    try migrator.migrate(database)
    return database
  }

  private static var migrator: DatabaseMigrator {
    var migrator = DatabaseMigrator()
    migrator.registerMigration("results") { database in
      try database.create(table: "result") { table in
        table.autoIncrementedPrimaryKey("id")
        table.column("root", .text).notNull()
        table.column("file", .text).notNull()
        // Empty: the file as a whole.
        table.column("test", .text).notNull()
        table.column("outcome", .text).notNull()
        table.column("kind", .text)
        table.column("duration", .double).notNull()
        // Seconds since 1970.
        table.column("time", .double).notNull()
        table.column("message", .text)
      }
      try database.create(index: "byName", on: "result", columns: ["root", "file", "test", "id"])
    }
    return migrator
  }

  // MARK: Writing

  /// Adds one file's results; what is older than the last 50 of the same test leaves.
  package func record(_ result: FileResult, root: String, time: Double) throws {
    try database.write { database in
      let fileOutcome = result.hasFailed ? "failed" : result.outcome.name
      try Self.insert(
        database,
        root: root,
        file: result.file,
        test: "",
        outcome: fileOutcome,
        failure: result.outcome.failure,
        duration: result.duration,
        time: time
      )
      for test in result.subTests {
        try Self.insert(
          database,
          root: root,
          file: result.file,
          test: test.name,
          outcome: test.outcome.name,
          failure: test.outcome.failure,
          duration: test.duration,
          time: time
        )
      }
    }
  }

  private static func insert(
    _ database: Database,
    root: String,
    file: String,
    test: String,
    outcome: String,
    failure: Failure?,
    duration: Double,
    time: Double
  ) throws {
    try database.execute(
      sql: """
        INSERT INTO result (root, file, test, outcome, kind, duration, time, message) VALUES (?, ?, ?, ?, ?, ?, ?, ?)
        """,
      arguments: [root, file, test, outcome, failure?.kind.rawValue, duration, time, failure?.summary]
    )
    try database.execute(
      sql: """
        DELETE FROM result WHERE root = ? AND file = ? AND test = ? AND id <= (
          SELECT id FROM result WHERE root = ? AND file = ? AND test = ? ORDER BY id DESC LIMIT 1 OFFSET 50)
        """,
      arguments: [root, file, test, root, file, test]
    )
  }

  // MARK: Reading

  /// Seconds that each file under `root` took when it last ran.
  package func durations(root: String) throws -> [String: Double] {
    try last(root: root).mapValues(\.duration)
  }

  /// Names of the files under `root` whose last run failed.
  package func failedFiles(root: String) throws -> Set<String> {
    Set(try last(root: root).filter { $0.value.outcome == "failed" }.keys)
  }

  private func last(root: String) throws -> [String: (duration: Double, outcome: String)] {
    try database.read { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT file, duration, outcome FROM result WHERE id IN (
            SELECT MAX(id) FROM result WHERE root = ? AND test = '' GROUP BY file)
          """,
        arguments: [root]
      )
      return Dictionary(
        rows.map { (($0["file"] as String), (($0["duration"] as Double), ($0["outcome"] as String))) },
        uniquingKeysWith: { $1 }
      )
    }
  }

  /// One past result.
  package struct Entry: Sendable, Hashable {
    package let root: String
    package let file: String
    /// Empty: the file as a whole.
    package let test: String
    package let outcome: String
    package let kind: String?
    package let duration: Double
    package let time: Double
    package let message: String?
  }

  /// Past results whose `file` or `file / test` contains `pattern`, newest first.
  package func entries(matching pattern: String, limit: Int = 50) throws -> [Entry] {
    try database.read { database in
      let rows = try Row.fetchAll(
        database,
        sql: """
          SELECT * FROM result
          WHERE instr(CASE test WHEN '' THEN file ELSE file || ' / ' || test END, ?) > 0
          ORDER BY id DESC LIMIT ?
          """,
        arguments: [pattern, limit]
      )
      return rows.map {
        Entry(
          root: $0["root"],
          file: $0["file"],
          test: $0["test"],
          outcome: $0["outcome"],
          kind: $0["kind"],
          duration: $0["duration"],
          time: $0["time"],
          message: $0["message"]
        )
      }
    }
  }
}
