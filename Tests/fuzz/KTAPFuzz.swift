import Glibc
import ProviumKTAP

/// Reads the input twice, as a whole and in pieces, and stops where the results differ, contradict each other, or grow beyond their
/// limits. The first byte is the size of the pieces. For libFuzzer: see Scripts/fuzz-ktap.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzzOne(_ start: UnsafePointer<UInt8>, _ count: Int) -> CInt {
  guard count > 1 else { return 0 }
  let input = UnsafeRawBufferPointer(start: start + 1, count: count - 1)
  let whole = read(input, size: count)
  let pieces = read(input, size: Int(start[0]) + 1)
  require(whole.results == pieces.results && whole.summary == pieces.summary, "pieces give other results")
  check(whole.results, whole.summary)
  for status: Int32 in [0, 1, 4, 124, 139] {
    let verdict = KTAPVerdict(exitStatus: status, summary: whole.summary)
    require(verdict != .passed || status == 0 && whole.summary.failures == 0, "a failure passes")
  }
  return 0
}

private func read(_ input: UnsafeRawBufferPointer, size: Int) -> (results: [KTAPResult], summary: KTAPSummary)
{
  var parser = KTAPParser()
  var results: [KTAPResult] = []
  var position = 0
  while position < input.count {
    let end = min(position + size, input.count)
    parser.read(UnsafeRawBufferPointer(rebasing: input[position..<end])) { results.append($0) }
    position = end
  }
  let summary = parser.finish { results.append($0) }
  return (results, summary)
}

private func check(_ results: [KTAPResult], _ summary: KTAPSummary) {
  require(summary.results == results.count, "results are lost")
  require(summary.failures == results.count { $0.isFailure }, "failures are lost")
  require(Set(results.map(\.path)).count == results.count, "two results have one name")
  for result in results {
    require(!result.path.isEmpty && result.path.allSatisfy { !$0.isEmpty }, "a result has no name")
    // Invalid bytes become a character of three bytes.
    require(result.diagnostics.utf8.count <= 3 * KTAPParser.diagnosticLimit, "diagnostics grow")
  }
}

/// Ends the program with the message, also where it is optimized.
private func require(_ condition: Bool, _ message: String) {
  guard !condition else { return }
  let text = Array("the parser is wrong: \(message)\n".utf8)
  _ = write(2, text, text.count)
  abort()
}
