#if CommandLine
  internal import GRDB
  package import ProviumEvents
  import ProviumSystem

  /// The results and durations of past runs, in an SQLite database in the cache: for the estimate, `--rerun-failed`,
  /// `--failed-first`, `--since` and `provium history`. Thread-safe.
  ///
  /// The database knows a file by the folder of its project and its path in it. So projects that share a cache stay apart, and a
  /// file is the same however a run was told of it.
  package final class History: Sendable {
    private let database: DatabaseQueue

    /// The path of the database in a cache.
    package static func path(in cache: String) -> String { "\(cache)/history.sqlite" }

    /// Opens or creates the database at `path`. Renames a file that is not a database, or is damaged, to `.broken` and starts
    /// with an empty database.
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

    /// Creates a database in memory, for tests.
    package convenience init() throws {
      let database = try DatabaseQueue()
      try Self.migrator.migrate(database)
      self.init(database)
    }

    private init(_ database: DatabaseQueue) { self.database = database }

    private static func open(_ path: String) throws -> DatabaseQueue {
      var configuration = GRDB.Configuration()
      // Several runs may end at once, and each holds the database for a few milliseconds.
      configuration.busyMode = .timeout(5)
      // Each file is written as it ends and must not wait for the disk. A database that a power failure damages is renamed.
      configuration.prepareDatabase { try $0.execute(sql: "PRAGMA synchronous = OFF") }
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
      migrator.registerMigration("projects") { database in
        // The first format had the tests' root as given: the project of those results is not known.
        try database.execute(sql: "DELETE FROM result")
        try database.alter(table: "result") { table in
          table.add(column: "partial", .boolean).notNull().defaults(to: false)
        }
        try database.create(table: "touched") { table in
          table.column("root", .text).notNull()
          table.column("file", .text).notNull()
          // Absolute.
          table.column("path", .text).notNull()
          table.column("mark", .text).notNull()
          table.primaryKey(["root", "file", "path"], onConflict: .ignore)
        }
      }
      migrator.registerMigration("kernels") { database in
        try database.alter(table: "result") { table in
          // Empty: the run was told no kernel.
          table.add(column: "kernel", .text).notNull().defaults(to: "")
        }
        try database.drop(index: "byName")
        try database.create(index: "byName", on: "result", columns: ["root", "file", "kernel", "test", "id"])
        try database.alter(table: "touched") { table in
          table.rename(column: "file", to: "cell")
        }
      }
      return migrator
    }

    // MARK: Writing

    /// One run of one file, as the database keeps it.
    package struct FileRun: Sendable {
      /// The path in the project's folder.
      package let file: String
      /// The kernel that the run was told to boot, as the user named it; empty: it was not told.
      package let kernel: String
      package let result: FileResult
      /// Some of the file's sub-tests were not selected.
      package let isPartial: Bool
      /// The host files that it read: absolute path, and a mark of the contents that the caller chose.
      package let touched: [String: String]
      /// The time of its end, in seconds since 1970.
      package let time: Double

      /// What the table of the files that were read knows a file by: on each kernel it may read others.
      fileprivate var cell: String { History.cell(file, kernel) }

      package init(
        file: String,
        kernel: String = "",
        result: FileResult,
        isPartial: Bool,
        touched: [String: String],
        time: Double
      ) {
        self.file = file
        self.kernel = kernel
        self.result = result
        self.isPartial = isPartial
        self.touched = touched
        self.time = time
      }
    }

    /// Adds one file's results. Keeps the last 50 results of each test.
    package func record(_ run: FileRun, root: String) throws {
      let result = run.result
      try database.write { database in
        try Self.insert(
          database,
          run,
          root: root,
          test: "",
          outcome: result.hasFailed ? "failed" : result.outcome.name,
          failure: result.outcome.failure,
          duration: result.duration
        )
        for titled in TestTree.ordered(result.subTests) {
          let test = titled.result
          try Self.insert(
            database,
            run,
            root: root,
            test: titled.title,
            outcome: test.outcome.name,
            failure: test.outcome.failure,
            duration: test.duration
          )
        }
        try Self.note(run, root: root, in: database)
      }
    }

    private static func insert(
      _ database: Database,
      _ run: FileRun,
      root: String,
      test: String,
      outcome: String,
      failure: Failure?,
      duration: Double
    ) throws {
      try database.execute(
        sql: """
          INSERT INTO result (root, file, test, outcome, kind, duration, time, message, partial, kernel)
          VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
          """,
        arguments: [
          root, run.file, test, outcome, failure?.kind.rawValue, duration, run.time, failure?.summary,
          run.isPartial, run.kernel,
        ]
      )
      try database.execute(
        sql: """
          DELETE FROM result WHERE root = ?1 AND file = ?2 AND kernel = ?3 AND test = ?4 AND id <= (
            SELECT id FROM result WHERE root = ?1 AND file = ?2 AND kernel = ?3 AND test = ?4
            ORDER BY id DESC LIMIT 1 OFFSET 50)
          """,
        arguments: [root, run.file, run.kernel, test]
      )
    }

    /// Replaces the list of files that were read. A partial run only adds to it.
    private static func note(_ run: FileRun, root: String, in database: Database) throws {
      let known = try Int.fetchOne(
        database,
        sql: "SELECT COUNT(*) FROM touched WHERE root = ? AND cell = ?",
        arguments: [root, run.cell]
      )
      if run.isPartial {
        guard known ?? 0 > 0 else { return }
      } else {
        try database.execute(
          sql: "DELETE FROM touched WHERE root = ? AND cell = ?",
          arguments: [root, run.cell]
        )
      }
      for (path, mark) in run.touched {
        try database.execute(
          sql: "INSERT OR IGNORE INTO touched (root, cell, path, mark) VALUES (?, ?, ?, ?)",
          arguments: [root, run.cell, path, mark]
        )
      }
    }

    // MARK: Reading

    /// The name of a file on a kernel.
    package static func cell(_ file: String, _ kernel: String) -> String {
      kernel.isEmpty ? file : MatrixCell.name(file, on: kernel)
    }

    /// Seconds that each file of a project took on each kernel in its last complete run, or in its last partial run if it has no complete
    /// one: by `cell`.
    package func durations(root: String) throws -> [String: Double] {
      try database.read { database in
        let rows = try Row.fetchAll(
          database,
          sql: """
            SELECT file, kernel, duration FROM result WHERE id IN (
              SELECT COALESCE(MAX(CASE partial WHEN 0 THEN id END), MAX(id))
              FROM result WHERE root = ? AND test = '' GROUP BY file, kernel)
            """,
          arguments: [root]
        )
        return Dictionary(
          rows.map { (Self.cell($0["file"], $0["kernel"]), ($0["duration"] as Double)) },
          uniquingKeysWith: { $1 }
        )
      }
    }

    /// The files of a project in which something fails, by `cell`: since the last complete run of the file, its script failed, or one of its
    /// sub-tests failed and has not passed again. An outer sub-test that failed only because of inner ones does not count itself.
    package func failedFiles(root: String) throws -> Set<String> {
      try database.read { database in
        let rows = try Row.fetchAll(
          database,
          sql: """
            WITH whole AS (
              SELECT file, kernel, MAX(id) AS id FROM result WHERE root = ?1 AND test = '' AND partial = 0
              GROUP BY file, kernel),
            recent AS (
              SELECT result.* FROM result
              LEFT JOIN whole ON whole.file = result.file AND whole.kernel = result.kernel
              WHERE root = ?1 AND result.id >= COALESCE(whole.id, 0))
            SELECT DISTINCT file, kernel FROM recent WHERE test = '' AND kind IS NOT NULL
            UNION
            SELECT file, kernel FROM recent WHERE outcome = 'failed' AND kind <> 'inner' AND test <> '' AND id IN (
              SELECT MAX(id) FROM recent GROUP BY file, kernel, test)
            """,
          arguments: [root]
        )
        return Set(rows.map { Self.cell($0["file"], $0["kernel"]) })
      }
    }

    /// For each file of a project on each kernel (by `cell`): the host files that its last complete run and the partial runs since have read, with their marks.
    package func touched(root: String) throws -> [String: [String: String]] {
      try database.read { database in
        let rows = try Row.fetchAll(
          database,
          sql: "SELECT cell, path, mark FROM touched WHERE root = ?",
          arguments: [root]
        )
        var touched: [String: [String: String]] = [:]
        for row in rows { touched[row["cell"], default: [:]][row["path"]] = row["mark"] }
        return touched
      }
    }

    /// One past result.
    package struct Entry: Sendable, Hashable {
      package let root: String
      package let file: String
      /// Empty: the run was told no kernel.
      package let kernel: String
      /// Empty: the file as a whole.
      package let test: String
      package let outcome: String
      package let kind: String?
      package let duration: Double
      package let time: Double
      package let message: String?
      /// Some of the file's sub-tests were not selected.
      package let isPartial: Bool
    }

    /// Finds past results of a project whose `file` or `file / test` contains `pattern`, newest first.
    package func entries(matching pattern: String, root: String, limit: Int = 50) throws -> [Entry] {
      try database.read { database in
        let rows = try Row.fetchAll(
          database,
          sql: """
            SELECT * FROM result
            WHERE root = ? AND instr(CASE test WHEN '' THEN file ELSE file || ' / ' || test END, ?) > 0
            ORDER BY id DESC LIMIT ?
            """,
          arguments: [root, pattern, limit]
        )
        return rows.map {
          Entry(
            root: $0["root"],
            file: $0["file"],
            kernel: $0["kernel"],
            test: $0["test"],
            outcome: $0["outcome"],
            kind: $0["kind"],
            duration: $0["duration"],
            time: $0["time"],
            message: $0["message"],
            isPartial: $0["partial"]
          )
        }
      }
    }
  }
#endif
