#if CommandLine
  package import ProviumEvents
  import ProviumSystem
  import Synchronization

  /// The results and durations of past runs, in an SQLite database in the cache: for the estimate, `--rerun-failed`,
  /// `--failed-first`, `--since` and `provium history`. Thread-safe.
  ///
  /// The database knows a file by the folder of its project and its path in it. So projects that share a cache stay apart, and a
  /// file is the same however a run was told of it.
  package final class History: Sendable {
    private let database: Mutex<SQLiteDatabase>

    /// The path of the database in a cache.
    package static func path(in cache: String) -> String { "\(cache)/history.sqlite" }

    /// Opens or creates the database at `path`. Renames a file that is not a database, or is damaged, to `.broken` and starts
    /// with an empty database.
    package convenience init(path: String) throws {
      try Files.createDirectories(Files.parent(of: path))
      do {
        self.init(try Self.open(path))
      } catch let error as SQLiteError where error.isDamage {
        try? Files.removeTree("\(path).broken")
        try Files.rename(path, to: "\(path).broken")
        self.init(try Self.open(path))
      }
    }

    /// Creates a database in memory, for tests.
    package convenience init() throws { self.init(try Self.open(nil)) }

    private init(_ database: sending SQLiteDatabase) { self.database = Mutex(database) }

    /// A database of another version of Provium.
    private struct NewerFormat: Error, CustomStringConvertible {
      let format: Int64
      var description: String {
        "a newer version of Provium keeps the history (format \(format) instead of \(History.format))"
      }
    }

    /// The version of the tables, in the database's `user_version`.
    private static let format: Int64 = 2

    private static func open(_ path: String?) throws -> sending SQLiteDatabase {
      let database = try SQLiteDatabase(path: path)
      // Several runs may end at once, and each holds the database for a few milliseconds.
      database.setBusyTimeout(milliseconds: 5000)
      // Each file is written as it ends and must not wait for the disk. A database that a power failure damages is renamed.
      try database.execute(script: "PRAGMA synchronous = OFF")
      func present() throws -> Int64 {
        try database.rows("PRAGMA user_version") { $0.integer(0) }.first ?? 0
      }
      guard try present() != format else { return database }
      try database.transaction {
        // Another process may have made the tables since.
        let present = try present()
        guard present <= format else { throw NewerFormat(format: present) }
        guard present < format else { return }
        try database.execute(script: tables)
        try database.execute(script: "PRAGMA user_version = \(format)")
      }
      return database
    }

    /// `result.test` is empty for the file as a whole, and `result.kernel` if the run was told no kernel; `time` is in seconds
    /// since 1970; `touched.path` is absolute. Tables of older formats, which no released version wrote, are dropped.
    private static let tables = """
      DROP TABLE IF EXISTS result;
      DROP TABLE IF EXISTS touched;
      CREATE TABLE result (
        id INTEGER PRIMARY KEY AUTOINCREMENT, root TEXT NOT NULL, file TEXT NOT NULL, kernel TEXT NOT NULL,
        test TEXT NOT NULL, outcome TEXT NOT NULL, kind TEXT, duration DOUBLE NOT NULL, time DOUBLE NOT NULL,
        message TEXT, partial BOOLEAN NOT NULL);
      CREATE INDEX byName ON result (root, file, kernel, test, id);
      CREATE TABLE touched (
        root TEXT NOT NULL, cell TEXT NOT NULL, path TEXT NOT NULL, mark TEXT NOT NULL,
        PRIMARY KEY (root, cell, path) ON CONFLICT IGNORE);
      """

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

      /// The name of the file in the table of files that were read: on each kernel it may read others.
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
      try database.withLock { database in
        try database.transaction {
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
    }

    private static func insert(
      _ database: SQLiteDatabase,
      _ run: FileRun,
      root: String,
      test: String,
      outcome: String,
      failure: Failure?,
      duration: Double
    ) throws {
      try database.execute(
        """
        INSERT INTO result (root, file, kernel, test, outcome, kind, duration, time, message, partial)
        VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
        """,
        [
          .text(root), .text(run.file), .text(run.kernel), .text(test), .text(outcome),
          SQLiteValue(failure?.kind.rawValue), .real(duration), .real(run.time),
          SQLiteValue(failure?.summary),
          .integer(run.isPartial ? 1 : 0),
        ]
      )
      try database.execute(
        """
        DELETE FROM result WHERE root = ?1 AND file = ?2 AND kernel = ?3 AND test = ?4 AND id <= (
          SELECT id FROM result WHERE root = ?1 AND file = ?2 AND kernel = ?3 AND test = ?4
          ORDER BY id DESC LIMIT 1 OFFSET 50)
        """,
        [.text(root), .text(run.file), .text(run.kernel), .text(test)]
      )
    }

    /// Replaces the list of files that were read. A partial run only adds to it.
    private static func note(_ run: FileRun, root: String, in database: SQLiteDatabase) throws {
      let name: [SQLiteValue] = [.text(root), .text(run.cell)]
      if run.isPartial {
        let known = try database.rows("SELECT 1 FROM touched WHERE root = ? AND cell = ? LIMIT 1", name) {
          $0.integer(0)
        }
        guard !known.isEmpty else { return }
      } else {
        try database.execute("DELETE FROM touched WHERE root = ? AND cell = ?", name)
      }
      for (path, mark) in run.touched {
        try database.execute(
          "INSERT OR IGNORE INTO touched (root, cell, path, mark) VALUES (?, ?, ?, ?)",
          name + [.text(path), .text(mark)]
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
      try database.withLock { database in
        let rows = try database.rows(
          """
          SELECT file, kernel, duration FROM result WHERE id IN (
            SELECT COALESCE(MAX(CASE partial WHEN 0 THEN id END), MAX(id))
            FROM result WHERE root = ? AND test = '' GROUP BY file, kernel)
          """,
          [.text(root)]
        ) { (Self.cell($0.text(0), $0.text(1)), $0.real(2)) }
        return Dictionary(rows, uniquingKeysWith: { $1 })
      }
    }

    /// The files of a project in which something fails, by `cell`: since the last complete run of the file, its script failed, or one of its
    /// sub-tests failed and has not passed again. An outer sub-test that failed only because of inner ones does not count itself.
    package func failedFiles(root: String) throws -> Set<String> {
      try database.withLock { database in
        let cells = try database.rows(
          """
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
          [.text(root)]
        ) { Self.cell($0.text(0), $0.text(1)) }
        return Set(cells)
      }
    }

    /// For each file of a project on each kernel (by `cell`): the host files that its last complete run and the partial runs since have read, with their marks.
    package func touched(root: String) throws -> [String: [String: String]] {
      try database.withLock { database in
        var touched: [String: [String: String]] = [:]
        _ = try database.rows("SELECT cell, path, mark FROM touched WHERE root = ?", [.text(root)]) {
          touched[$0.text(0), default: [:]][$0.text(1)] = $0.text(2)
        }
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
      try database.withLock { database in
        try database.rows(
          """
          SELECT root, file, kernel, test, outcome, kind, duration, time, message, partial FROM result
          WHERE root = ? AND instr(CASE test WHEN '' THEN file ELSE file || ' / ' || test END, ?) > 0
          ORDER BY id DESC LIMIT ?
          """,
          [.text(root), .text(pattern), .integer(Int64(limit))]
        ) {
          Entry(
            root: $0.text(0),
            file: $0.text(1),
            kernel: $0.text(2),
            test: $0.text(3),
            outcome: $0.text(4),
            kind: $0.optionalText(5),
            duration: $0.real(6),
            time: $0.real(7),
            message: $0.optionalText(8),
            isPartial: $0.integer(9) != 0
          )
        }
      }
    }
  }
#endif
