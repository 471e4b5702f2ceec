import ProviumSystem
import Synchronization

/// An output for lines of text, which remembers the first error of a write. Thread-safe.
package final class LineOutput: Sendable {
  private let writeText: @Sendable (String) throws -> Void
  private let failure = Mutex<(any Error)?>(nil)

  /// - Parameter write: takes whole lines, each with its end.
  package init(write: @escaping @Sendable (String) throws -> Void) { writeText = write }

  /// Makes an output that writes to an open descriptor. The caller owns the descriptor.
  package static func descriptor(_ number: Int32) -> LineOutput {
    LineOutput { text in
      do { try Files.writeAll(Array(text.utf8), to: number, path: "") } catch let error as SystemError {
        let name = number == 1 ? "standard output" : number == 2 ? "standard error" : "descriptor \(number)"
        throw ReportError("write the results to", name, "\(error.errno)")
      }
    }
  }

  /// Writes text that ends with a line end. After an error it writes nothing more.
  func write(_ text: String) {
    failure.withLock { failure in
      guard failure == nil else { return }
      do { try writeText(text) } catch { failure = error }
    }
  }

  func write(lines: [String]) {
    if !lines.isEmpty { write(lines.map { $0 + "\n" }.joined()) }
  }

  /// - Throws: the first error of a write: lost results must not end with success.
  func check() throws {
    if let failure = failure.withLock({ $0 }) { throw failure }
  }
}
