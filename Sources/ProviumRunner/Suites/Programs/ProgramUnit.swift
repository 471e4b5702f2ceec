import ProviumScripts
import ProviumRuntime
import ProviumSystem

/// The programs of a suite that share a VM: a test file of the run, whose sub-tests are the programs.
struct ProgramUnit: Sendable {
  let file: TestFile
  let programs: [SuiteProgram]
  /// Whether the programs are of several collections: their names then have the collection.
  private let isMixed: Bool

  /// Divides the programs of a suite.
  /// - Parameter prefix: of the names of files; nil: there is only one suite.
  static func divide(
    _ programs: [SuiteProgram],
    of tree: ProgramTree,
    _ suite: SuiteSettings,
    prefix: String?
  ) -> [ProgramUnit] {
    func unit(_ name: String, _ path: String, _ programs: [SuiteProgram], isMixed: Bool = false)
      -> ProgramUnit
    {
      let file = TestFile(
        name: prefix.map { name.isEmpty ? $0 : "\($0)/\(name)" } ?? (name.isEmpty ? suite.name : name),
        path: path,
        root: tree.path,
        suite: suite.name
      )
      return ProgramUnit(file: file, programs: programs, isMixed: isMixed)
    }
    switch suite.isolation {
    case .program: return programs.map { unit($0.key, tree.path(of: $0) ?? tree.path, [$0]) }
    case .collection:
      let groups = Dictionary(grouping: programs, by: \.collection)
      return programs.map(\.collection).uniqued().map { name in
        unit(name, "\(tree.path)/\(name)", groups[name] ?? [])
      }
    case .none: return [unit("", tree.path, programs, isMixed: true)]
    }
  }

  /// The name of a program's sub-test.
  func name(of program: SuiteProgram) -> String { isMixed ? program.key : program.name }

  /// The tags of a program's sub-test.
  func tags(of program: SuiteProgram) -> [String] { [program.collection] + program.groups }

  /// The list of the sub-tests, as reading a script gives it.
  func script(_ exemption: (SuiteProgram) -> String?) -> ScannedScript {
    let byName = Dictionary(programs.map { (name(of: $0), $0) }, uniquingKeysWith: { first, _ in first })
    return ScannedScript(
      names: programs.map(name),
      tags: { name in byName[name].map(tags(of:)) ?? [] },
      exemption: { name in byName[name].flatMap(exemption).map { .skip(reason: $0) } }
    )
  }
}
