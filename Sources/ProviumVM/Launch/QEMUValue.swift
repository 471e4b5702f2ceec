/// Values in the command line of QEMU.
enum QEMUValue {
  /// Doubles commas: a single one ends a value.
  static func escaped(_ path: String) -> String {
    path.split(separator: ",", omittingEmptySubsequences: false).joined(separator: ",,")
  }
}
