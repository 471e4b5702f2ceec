import ProviumKTAP
import ProviumRuntime
import ProviumSystem

/// The folder of a suite's programs, in the layout of its kind.
enum ProgramTree: Sendable {
  case selftests(SelftestTree)
  case ltp(LTPTree)
  case fstests(FstestsTree)

  /// Reads the lists of the tree that a suite's settings name.
  /// - Throws: `SuiteError`.
  init(_ settings: SuiteSettings) throws {
    switch settings.kind {
    case .ltp: self = .ltp(try LTPTree(settings.path))
    case .fstests:
      self = .fstests(try FstestsTree(settings.path, fileSystem: settings.fileSystem))
    case .kselftest, .kunit: self = .selftests(try SelftestTree(settings.path))
    }
  }

  /// Absolute.
  var path: String {
    switch self {
    case .selftests(let tree): tree.path
    case .ltp(let tree): tree.path
    case .fstests(let tree): tree.path
    }
  }

  /// In the order of the lists.
  var programs: [SuiteProgram] {
    switch self {
    case .selftests(let tree): tree.programs
    case .ltp(let tree): tree.programs
    case .fstests(let tree): tree.programs
    }
  }

  /// The lists from which `programs` were read.
  var lists: [String] {
    switch self {
    case .selftests(let tree): ["\(tree.path)/\(SelftestTree.listName)"]
    case .ltp(let tree): tree.lists
    case .fstests(let tree): tree.lists
    }
  }

  /// The folder of the tree in the guest.
  var guestFolder: String {
    switch self {
    case .selftests: "/tmp/kselftest"
    case .ltp: "/opt/ltp"
    case .fstests: "/opt/fstests"
    }
  }

  /// Whether the guest has the folder itself, as a share that it can only read. If not, the files are copied into its memory.
  var isShared: Bool {
    switch self {
    case .selftests: false
    case .ltp, .fstests: true
    }
  }

  /// The conventions of the programs' results.
  var format: ProgramFormat {
    switch self {
    case .selftests: .kselftest
    case .ltp: .ltp
    case .fstests: .exitStatus
    }
  }

  /// The host file of a program; nil: only the guest's shell finds it.
  func path(of program: SuiteProgram) -> String? {
    switch self {
    case .selftests(let tree): tree.path(of: program)
    case .ltp(let tree): tree.path(of: program)
    case .fstests(let tree): tree.path(of: program)
    }
  }

  /// The time limit of a program, before the timeout multiplier; nil: none.
  func timeout(of program: SuiteProgram) -> Duration? {
    switch self {
    case .selftests(let tree): tree.timeout(of: program.collection)
    case .ltp: LTPTree.timeout
    case .fstests: FstestsTree.timeout
    }
  }

  /// The options of the kernel that a program asks for.
  func kernelOptions(of program: SuiteProgram) -> [KernelOption] {
    switch self {
    case .selftests(let tree): tree.kernelOptions(of: program.collection)
    // They compare the options themselves, and skip what is missing.
    case .ltp, .fstests: []
    }
  }

  // MARK: Selection

  /// The programs that `names` or `groups` select, without those that `skipped` names. Without names and groups: those that the tests'
  /// own runner would run.
  /// - Throws: `SuiteError` for a name that selects nothing.
  func select(_ names: [String], groups: [String] = [], without skipped: [String]) throws -> [SuiteProgram] {
    for name in names where !programs.contains(where: ProgramPattern(text: name).matches) {
      let known = programs.map(\.collection).uniqued() + programs.map(\.key)
      throw SuiteError.unknownSelection(
        name,
        path: Files.display(path),
        hint: NearestName.hint(for: name, among: known)
      )
    }
    var groups = groups
    if case .fstests = self, names.isEmpty, groups.isEmpty { groups = [FstestsTree.defaultGroup] }
    for group in groups where !programs.contains(where: { isMember($0, of: group) }) {
      throw SuiteError.unknownGroup(
        group,
        path: Files.display(path),
        hint: NearestName.hint(for: group, among: programs.flatMap(\.groups).uniqued())
      )
    }
    let wanted = names.map(ProgramPattern.init), unwanted = skipped.map(ProgramPattern.init)
    let isEverything = wanted.isEmpty && groups.isEmpty
    let selected = programs.filter { program in
      (isEverything || wanted.contains { $0.matches(program) }
        || groups.contains { isMember(program, of: $0) })
        && !unwanted.contains { $0.matches(program) }
    }
    guard !selected.isEmpty else { throw SuiteError.nothingSelected(path: Files.display(path)) }
    return selected
  }

  private func isMember(_ program: SuiteProgram, of group: String) -> Bool {
    guard case .fstests(let tree) = self else { return program.groups.contains(group) }
    return tree.isMember(program, of: group)
  }
}
