/// The conventions by which a program tells its results.
package enum ProgramFormat: Sendable, Hashable {
  /// The kernel's selftests, and KTAP in general: exit status 4 is a skip (`KSFT_SKIP`).
  case kselftest
  /// LTP: the exit status is a set of bits (`include/tst_res_flags.h`), and 32 (`TCONF`) alone is a skip.
  case ltp
  /// The exit status alone, as with `kselftest`. Everything that the program prints is text.
  case exitStatus

  package var readsResults: Bool { self != .exitStatus }

  var skippedStatus: Int32 {
    switch self {
    case .kselftest, .exitStatus: 4
    case .ltp: 32
    }
  }

  /// The names of an exit status in brackets; empty without any.
  func meaning(of exitStatus: Int32) -> String {
    guard self == .ltp, exitStatus & ~63 == 0 else { return "" }
    let bits: [(Int32, String)] = [(1, "TFAIL"), (2, "TBROK"), (4, "TWARN"), (32, "TCONF")]
    let names = bits.filter { exitStatus & $0.0 != 0 }.map(\.1)
    return names.isEmpty ? "" : " (\(names.joined(separator: ", ")))"
  }
}
