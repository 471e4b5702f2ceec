#if CommandLine
  import CSQLite

  /// A connection to an SQLite database. Not thread-safe. Owns the connection, and closes it at its end.
  ///
  /// SQLite's own interface is small enough. A library for it would bring Foundation, and with it half of the command's size.
  final class SQLiteDatabase {
    private let handle: OpaquePointer

    /// Opens or creates the database. SQLite reads the file at the first statement, and finds only then that it is not a database.
    /// - Parameter path: nil: the database is in memory.
    init(path: String?) throws {
      var opened: OpaquePointer?
      let code = sqlite3_open_v2(path ?? ":memory:", &opened, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nil)
      guard let opened else { throw SQLiteError(code: code, message: "no memory for a connection") }
      handle = opened
      guard code == SQLITE_OK else { throw error(code) }
      sqlite3_extended_result_codes(opened, 0)
    }

    deinit { sqlite3_close_v2(handle) }

    /// The longest time that a statement waits for other processes, in milliseconds.
    func setBusyTimeout(milliseconds: Int32) { sqlite3_busy_timeout(handle, milliseconds) }

    /// Runs statements without parameters, separated by semicolons.
    func execute(script: String) throws {
      let code = sqlite3_exec(handle, script, nil, nil, nil)
      guard code == SQLITE_OK else { throw error(code) }
    }

    /// Runs one statement. Discards its rows.
    func execute(_ sql: String, _ arguments: [SQLiteValue] = []) throws {
      _ = try rows(sql, arguments) { _ in }
    }

    /// Runs one statement and reads each of its rows.
    func rows<Value>(
      _ sql: String,
      _ arguments: [SQLiteValue] = [],
      read: (SQLiteRow) throws -> Value
    ) throws -> [Value] {
      var prepared: OpaquePointer?
      let code = sqlite3_prepare_v2(handle, sql, -1, &prepared, nil)
      guard code == SQLITE_OK, let prepared else { throw error(code) }
      defer { sqlite3_finalize(prepared) }
      for (index, argument) in arguments.enumerated() {
        let code = argument.bind(to: prepared, at: Int32(index + 1))
        guard code == SQLITE_OK else { throw error(code) }
      }
      let row = SQLiteRow(prepared)
      var values: [Value] = []
      while true {
        let code = sqlite3_step(prepared)
        if code == SQLITE_DONE { return values }
        guard code == SQLITE_ROW else { throw error(code) }
        values.append(try read(row))
      }
    }

    /// Runs `body` in a transaction, which is undone if `body` throws. Other processes that write wait from its beginning.
    func transaction(_ body: () throws -> Void) throws {
      try execute(script: "BEGIN IMMEDIATE")
      do {
        try body()
        try execute(script: "COMMIT")
      } catch {
        // SQLite has undone it by itself after some errors, a full disk for example.
        if sqlite3_get_autocommit(handle) == 0 { try? execute(script: "ROLLBACK") }
        throw error
      }
    }

    private func error(_ code: Int32) -> SQLiteError {
      SQLiteError(code: code, message: String(cString: sqlite3_errmsg(handle)))
    }
  }

  /// A value of a statement's parameter.
  enum SQLiteValue {
    case null
    case integer(Int64)
    case real(Double)
    case text(String)

    init(_ text: String?) { self = text.map { .text($0) } ?? .null }

    fileprivate func bind(to statement: OpaquePointer, at index: Int32) -> Int32 {
      switch self {
      case .null: sqlite3_bind_null(statement, index)
      case .integer(let value): sqlite3_bind_int64(statement, index, value)
      case .real(let value): sqlite3_bind_double(statement, index, value)
      case .text(let text):
        // SQLITE_TRANSIENT, a macro that Swift cannot import: SQLite copies the text.
        text.withCString {
          sqlite3_bind_text(
            statement,
            index,
            $0,
            Int32(clamping: text.utf8.count),
            unsafeBitCast(-1, to: sqlite3_destructor_type.self)
          )
        }
      }
    }
  }

  /// The current row of a statement. Columns count from 0.
  struct SQLiteRow {
    private let statement: OpaquePointer

    fileprivate init(_ statement: OpaquePointer) { self.statement = statement }

    func integer(_ column: Int32) -> Int64 { sqlite3_column_int64(statement, column) }
    func real(_ column: Int32) -> Double { sqlite3_column_double(statement, column) }
    /// Empty for NULL.
    func text(_ column: Int32) -> String { optionalText(column) ?? "" }
    /// nil for NULL.
    func optionalText(_ column: Int32) -> String? {
      guard let bytes = sqlite3_column_text(statement, column) else { return nil }
      let count = Int(sqlite3_column_bytes(statement, column))
      return String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
    }
  }

  /// An error of SQLite.
  struct SQLiteError: Error, CustomStringConvertible {
    /// A primary result code: https://www.sqlite.org/rescode.html
    let code: Int32
    let message: String

    /// Whether the file is no database, or a damaged one.
    var isDamage: Bool { code == SQLITE_NOTADB || code == SQLITE_CORRUPT }

    var description: String { "SQLite: \(message) (code \(code))" }
  }
#endif
