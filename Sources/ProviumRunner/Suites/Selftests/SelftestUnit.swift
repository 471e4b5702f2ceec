import ProviumScripts
import ProviumRuntime
import ProviumSystem

/// The programs of a suite that share a VM: a test file of the run, whose sub-tests are the programs.
struct SelftestUnit: Sendable {
  let file: TestFile
  let programs: [SelftestProgram]
  /// Whether the programs are of several collections: their names then have the collection.
  private let isMixed: Bool

  /// Divides the programs of a suite.
  /// - Parameter prefix: of the names of files; nil: there is only one suite.
  static func divide(
    _ programs: [SelftestProgram],
    of tree: SelftestTree,
    _ suite: SuiteSettings,
    prefix: String?
  ) -> [SelftestUnit] {
    func unit(_ name: String, _ path: String, _ programs: [SelftestProgram], isMixed: Bool = false)
      -> SelftestUnit
    {
      let file = TestFile(
        name: prefix.map { name.isEmpty ? $0 : "\($0)/\(name)" } ?? (name.isEmpty ? suite.name : name),
        path: path,
        root: tree.path,
        suite: suite.name
      )
      return SelftestUnit(file: file, programs: programs, isMixed: isMixed)
    }
    switch suite.isolation {
    case .program: return programs.map { unit($0.key, tree.path(of: $0), [$0]) }
    case .collection:
      let groups = Dictionary(grouping: programs, by: \.collection)
      return programs.map(\.collection).uniqued().map { name in
        unit(name, "\(tree.path)/\(name)", groups[name] ?? [])
      }
    case .none: return [unit("", tree.path, programs, isMixed: true)]
    }
  }

  /// The name of a program's sub-test.
  func name(of program: SelftestProgram) -> String { isMixed ? program.key : program.name }

  /// The list of the sub-tests, as reading a script gives it.
  func script(_ exemption: (SelftestProgram) -> String?) -> ScannedScript {
    let byName = Dictionary(programs.map { (name(of: $0), $0) }, uniquingKeysWith: { first, _ in first })
    return ScannedScript(
      names: programs.map(name),
      tags: { name in byName[name].map { [$0.collection] } ?? [] },
      exemption: { name in byName[name].flatMap(exemption).map { .skip(reason: $0) } }
    )
  }
}
