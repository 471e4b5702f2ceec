import Glibc
import ProviumAgentClient
import ProviumSystem

/// The command that runs one program in the guest, as the suite's own runner does.
struct ProgramCommand {
  let command: ByteString
  private let tree: ProgramTree

  /// Why a program of the list cannot be run.
  struct Unusable: Error, CustomStringConvertible {
    let description: String
  }

  /// - Throws: `Unusable`
  init(_ program: SuiteProgram, in tree: ProgramTree) throws {
    self.tree = tree
    switch tree {
    case .selftests(let selftests):
      command = try Self.selftest(program, in: selftests, folder: tree.guestFolder)
    case .ltp(let ltp): command = ByteString(ltp.command(of: program, in: tree.guestFolder))
    case .fstests(let fstests): command = ByteString(fstests.command(of: program, in: tree.guestFolder))
    }
  }

  /// As tools/testing/selftests/kselftest/runner.sh of the kernel.
  private static func selftest(_ program: SuiteProgram, in tree: SelftestTree, folder: String) throws
    -> ByteString
  {
    let host = tree.path(of: program)
    guard Files.isRegularFile(host) else {
      throw Unusable(
        description: "\(Files.display(host)) is in \(SelftestTree.listName), and there is no such file"
      )
    }
    let place = "\(folder)/\(program.collection)/\(program.name)"
    let file = ShellWord.quoted("./\(place.split(separator: "/").last ?? "")")
    var words = file
    if access(host.cPath, X_OK) != 0 {
      // A script that lost its permission runs all the same.
      guard let interpreter = Shebang.interpreter(of: try Files.readHead(host, 256)) else {
        throw Unusable(description: "\(Files.display(host)) is not executable")
      }
      words = "\(ShellWord.quoted(interpreter)) \(file)"
    }
    return ByteString("cd \(ShellWord.quoted(Files.parent(of: place))) && exec \(words)")
  }

  /// - Parameter multiplier: of time limits.
  func environment(multiplier: Double) -> [String: String] {
    switch tree {
    case .selftests: multiplier > 1 ? ["KSFT_MACHINE_SLOW": "yes"] : [:]
    case .ltp: LTPTree.environment(folder: tree.guestFolder, multiplier: multiplier)
    case .fstests: [:]
    }
  }

  /// The status with which a shell ends that finds no program (sh(1)).
  static let notFoundStatus: Int32 = 127
}
