import ProviumSystem

/// An installation of the Linux Test Project, as its `make install` makes it.
///
///     runtest/FILE              one test a line: NAME COMMAND [ARGUMENT…]; # begins a comment
///     testcases/bin/PROGRAM     programs and scripts
///     testcases/data/…          files of tests, which a test finds by LTPROOT
///
/// Layout: `runtest/`, doc/users/quick_start.rst and doc/users/setup_tests.rst of LTP.
struct LTPTree: Sendable {
  /// Absolute.
  let path: String
  /// Tests in the order of their files, and files by their names.
  let programs: [SuiteProgram]
  /// The runtest files.
  let lists: [String]

  /// The time limit of a test. Tests have limits of their own, which `LTP_TIMEOUT_MUL` stretches; this one is for tests whose own limit
  /// does not work.
  static let timeout = Duration.seconds(900)
  private static let listFolder = "runtest", programFolder = "testcases/bin"

  /// Reads all runtest files.
  init(_ path: String) throws {
    self.path = path
    let folder = "\(path)/\(Self.listFolder)"
    guard Files.isDirectory(folder), Files.isDirectory("\(path)/\(Self.programFolder)") else {
      throw SuiteError.noLTP(path: path, isFolder: Files.isDirectory(path))
    }
    do {
      let names = try Files.list(folder).sorted().filter { name in
        !name.hasPrefix(".") && name != "Makefile" && Files.isRegularFile("\(folder)/\(name)")
      }
      lists = names.map { "\(folder)/\($0)" }
      programs = try names.flatMap { try Self.programs(of: $0, in: folder) }
    } catch let error as SuiteError { throw error } catch {
      throw SuiteError.unreadable(path: folder, reason: "\(error)")
    }
  }

  private static func programs(of file: String, in folder: String) throws -> [SuiteProgram] {
    var known: Set<String> = []
    let text = try Files.readText("\(folder)/\(file)")
    return try text.split(separator: "\n", omittingEmptySubsequences: false).enumerated().compactMap {
      index,
      raw in
      let line = String(raw).trimmed
      guard !line.isEmpty, !line.hasPrefix("#") else { return nil }
      let end = line.firstIndex { $0 == " " || $0 == "\t" } ?? line.endIndex
      let command = String(line[end...]).trimmed
      guard !command.isEmpty else {
        throw SuiteError.badTest(path: "\(folder)/\(file)", line: index + 1, text: line)
      }
      var program = SuiteProgram(collection: file, name: String(line[..<end]))
      program.command = command
      // A later line of the same name is the same test.
      return known.insert(program.name).inserted ? program : nil
    }
  }

  /// The program of a test; nil where the command line begins with something else, such as a variable.
  func path(of program: SuiteProgram) -> String? {
    guard let word = program.command?.split(whereSeparator: { $0 == " " || $0 == "\t" }).first else {
      return nil
    }
    let file = "\(path)/\(Self.programFolder)/\(word)"
    return !word.contains("/") && Files.isRegularFile(file) ? file : nil
  }

  /// Runs a test as LTP's own runner does: in the folder of the programs, with that folder in `PATH`.
  func command(of program: SuiteProgram, in folder: String) -> String {
    "cd \(folder)/\(Self.programFolder) && PATH=\"$PATH:$PWD\" && export PATH && \(program.command ?? program.name)"
  }

  /// Variables of doc/users/setup_tests.rst.
  /// - Parameter multiplier: of time limits.
  static func environment(folder: String, multiplier: Double) -> [String: String] {
    var variables = ["LTPROOT": folder, "TMPDIR": "/tmp", "LTP_COLORIZE_OUTPUT": "n"]
    if multiplier > 1 { variables["LTP_TIMEOUT_MUL"] = "\(Int(multiplier.rounded(.up)))" }
    return variables
  }

  /// Adds users and groups that tests expect (`IDcheck.sh`), where the guest lacks them.
  static let preparation = """
    add_user() { grep -q "^$1:" /etc/passwd 2>/dev/null || echo "$1:x:$2:$2:$1:/:/bin/sh" >> /etc/passwd; }
    add_group() { grep -q "^$1:" /etc/group 2>/dev/null || echo "$1:x:$2:" >> /etc/group; }
    add_user root 0; add_user daemon 1; add_user bin 2; add_user nobody 65534
    add_group root 0; add_group daemon 1; add_group bin 2; add_group sys 3; add_group users 100
    add_group nobody 65534; add_group nogroup 65534
    """
}
