import ProviumSystem
import Synchronization

/// Standard output and standard error of the process.
enum Console {
  /// The first failure to write to standard output.
  private static let failure = Mutex<SystemError?>(nil)

  /// - Throws: The first error of writing to standard output: lost output must not end with success.
  static func checkOutput() throws {
    if let failure = failure.withLock({ $0 }) { throw failure }
  }

  /// Prints text for people. File names and test names in it cannot control the terminal.
  static func print(_ text: String) { write(HarmlessText.clean(text) + "\n", to: 1) }
  static func error(_ text: String) { write(HarmlessText.clean(text) + "\n", to: 2) }

  static func write(_ text: String, to descriptor: Int32) {
    do { try Array(text.utf8).withUnsafeBytes { try writeAll($0, to: descriptor) } } catch let error
      as SystemError
    {
      if descriptor == 1 { failure.withLock { $0 = $0 ?? error } }
    } catch {}
  }

  static func writeAll(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) throws {
    try Files.writeAll(
      bytes,
      to: descriptor,
      path: descriptor == 1 ? "to standard output" : "to standard error"
    )
  }
}
