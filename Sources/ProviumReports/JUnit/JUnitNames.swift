import ProviumEvents
import ProviumSystem

/// The names of one document: of its suites, and of its test cases by `classname` and `name`.
struct JUnitNames {
  private var suites = OrdinalNames()
  private var cases: [String: OrdinalNames] = [:]

  /// Returns the name of the suite of `run`, unique in the document.
  mutating func suite(_ run: FileRun) -> String { suites.next(HarmlessText.line(run.title)) }

  /// Returns the name of a test case, unique among the cases of its file. Repetitions of a file (`--repeat`)
  /// have the same test cases, each with the number of the repetition.
  mutating func testCase(_ title: String, of run: FileRun, className: String) -> String {
    let name = HarmlessText.line(title) + (run.round == 0 ? "" : " (run \(run.round + 1))")
    return cases[className, default: OrdinalNames()].next(name)
  }

  /// Returns `net.dhcp` for `net/dhcp.lua`: readers show a tree of folders. Different paths have different
  /// class names: dots in names, and bytes that are not printable, are percent-encoded.
  /// A kernel of a matrix comes first, so that each kernel has a tree of its own.
  static func className(_ cell: MatrixCell, isMatrix: Bool) -> String {
    guard isMatrix, let kernel = cell.kernel else { return className(cell.file) }
    return encoded(kernel) + "." + className(cell.file)
  }

  private static func className(_ file: String) -> String {
    let stem = file.hasSuffix(".lua") ? String(file.dropLast(4)) : file
    return stem.split(separator: "/", omittingEmptySubsequences: false).map(encoded).joined(separator: ".")
  }

  private static func encoded(_ part: some StringProtocol) -> String {
    part.unicodeScalars.map { scalar in
      switch scalar {
      case ".", "%": percentEncoded(scalar)
      default:
        HarmlessText.isHarmless(scalar) && scalar != "\n" && scalar != "\t"
          ? String(scalar) : percentEncoded(scalar)
      }
    }.joined()
  }

  private static func percentEncoded(_ scalar: Unicode.Scalar) -> String {
    (PathText.byte(of: scalar).map { [$0] } ?? Array(String(scalar).utf8)).map {
      "%" + ($0 < 0x10 ? "0" : "") + String($0, radix: 16, uppercase: true)
    }.joined()
  }
}
