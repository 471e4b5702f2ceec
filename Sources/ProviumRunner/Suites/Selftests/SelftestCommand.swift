import Glibc
import ProviumAgentClient
import ProviumSystem

/// The command that runs one program in the guest, as the kernel's runner does (tools/testing/selftests/kselftest/runner.sh).
struct SelftestCommand {
  let command: ByteString

  /// Why a program of the list cannot be run.
  struct Unusable: Error, CustomStringConvertible {
    let description: String
  }

  /// - Throws: `Unusable`
  init(_ program: SelftestProgram, in tree: SelftestTree) throws {
    let host = tree.path(of: program)
    guard Files.isRegularFile(host) else {
      throw Unusable(
        description: "\(Files.display(host)) is in \(SelftestTree.listName), and there is no such file"
      )
    }
    let place = "\(SelftestFixture.guestFolder)/\(program.collection)/\(program.name)"
    let folder = SelftestFixture.quoted(Files.parent(of: place))
    let file = SelftestFixture.quoted("./\(place.split(separator: "/").last ?? "")")
    var words = file
    if access(host.cPath, X_OK) != 0 {
      // A script that lost its permission runs all the same.
      guard let interpreter = Shebang.interpreter(of: try Files.readHead(host, 256)) else {
        throw Unusable(description: "\(Files.display(host)) is not executable")
      }
      words = "\(SelftestFixture.quoted(interpreter)) \(file)"
    }
    command = ByteString("cd \(folder) && exec \(words)")
  }

  /// The status with which a shell ends that finds no program (sh(1)).
  static let notFoundStatus: Int32 = 127
}
