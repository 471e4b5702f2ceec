import Glibc
import Testing

@testable import ProviumKTAP

/// Outputs of kernel 6.1's selftests and KUnit suites, recorded in emulated guests. The line `EXIT=n` is the recorder's.
enum Recorded {
  static let folder = "\(#filePath)".split(separator: "/").dropLast().map { "/\($0)" }.joined()

  static func bytes(_ name: String) throws -> [UInt8] { try read("\(folder)/Recorded/\(name).txt") }

  static func read(_ path: String) throws -> [UInt8] {
    let file = try #require(fopen(path, "r"), "\(path) cannot be opened")
    defer { fclose(file) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = fread(&buffer, 1, buffer.count, file)
      guard count > 0 else { return bytes }
      bytes += buffer.prefix(count)
    }
  }

  static var names: [String] {
    guard let directory = opendir("\(folder)/Recorded") else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: &entry.pointee.d_name) {
        String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
      }
      if name.hasSuffix(".txt") { names.append(String(name.dropLast(4))) }
    }
    return names.sorted()
  }
}

@Suite("Recorded outputs of kernel test suites") struct RecordedOutputTests {
  @Test("there are recordings") func present() { #expect(Recorded.names.count == 109) }

  /// A recording's results, as the golden files have them. `PROVIUM_GOLDEN=write` in the environment writes the file.
  @Test("give the results of their golden file", arguments: Recorded.names)
  func golden(name: String) throws {
    let (results, summary) = parse(try Recorded.bytes(name))
    var lines = results.map { "\(word($0.outcome)) \($0.path.joined(separator: " / "))" }
    lines.append("results \(summary.results), failures \(summary.failures), skips \(summary.skips)")
    if summary.duplicates > 0 { lines.append("duplicates \(summary.duplicates)") }
    if let reason = summary.bailOut { lines.append("bail out: \(reason)") }
    if let reason = summary.skippedEntirely { lines.append("skipped entirely: \(reason)") }
    lines += summary.problems.map { "problem: \($0)" }
    let text = lines.joined(separator: "\n") + "\n"
    let path = "\(Recorded.folder)/Golden/\(name).txt"
    if let mode = getenv("PROVIUM_GOLDEN"), String(cString: mode) == "write" {
      let file = try #require(fopen(path, "w"))
      fputs(text, file)
      fclose(file)
    }
    #expect(text == String(decoding: try Recorded.read(path), as: UTF8.self))
  }

  private func word(_ outcome: KTAPResult.Outcome) -> String {
    switch outcome {
    case .passed: "pass"
    case .failed: "FAIL"
    case .skipped(let reason): "skip (\(reason))"
    case .todo(let reason): "todo (\(reason))"
    case .timedOut(let reason): "TIME (\(reason))"
    }
  }
}
