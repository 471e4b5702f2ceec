/// Results that programs without KTAP print: `[PASS] name`, `name ... [FAIL]`, LTP's `TPASS: text`.
///
/// Used only where the output holds no KTAP at all. The exit status decides the verdict in any case.
struct PlainResultLine {
  let outcome: KTAPResult.Outcome
  let name: String

  /// - Returns: nil for a line that is no result.
  init?(_ bytes: UnsafeRawBufferPointer) {
    guard bytes.count < 4096 else { return nil }
    if Self.mayBeBracketed(bytes), let (outcome, name) = Self.bracketed(bytes) {
      (self.outcome, self.name) = (outcome, name)
    } else if Self.mayBeLTP(bytes), let (outcome, name) = Self.ltp(bytes) {
      (self.outcome, self.name) = (outcome, name)
    } else {
      return nil
    }
  }

  /// Whether the first or the last word has brackets around it. Most lines have none, and are not decoded.
  private static func mayBeBracketed(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.firstOffset(of: UInt8(ascii: "["), from: 0) != nil else { return false }
    let first = bytes.first { $0 > 0x20 }, last = bytes.last { $0 > 0x20 }
    return first == UInt8(ascii: "[") || last == UInt8(ascii: "]") || (first ?? 0) >= 0x80
      || (last ?? 0) >= 0x80
  }

  private static func mayBeLTP(_ bytes: UnsafeRawBufferPointer) -> Bool {
    var position = 0
    while let found = bytes.firstOffset(of: UInt8(ascii: "T"), from: position) {
      if markers.contains(where: { bytes.hasText($0, at: found) }) { return true }
      position = found + 1
    }
    return false
  }

  private static let markers: [StaticString] = ["TPASS", "TFAIL", "TBROK", "TWARN", "TCONF"]

  private static func bracketed(_ bytes: UnsafeRawBufferPointer) -> (KTAPResult.Outcome, String)? {
    let text = bytes.text(from: 0)
    let words: [(String, KTAPResult.Outcome)] = [
      ("[PASS]", .passed), ("[OK]", .passed), ("[ OK ]", .passed), ("[FAIL]", .failed),
      ("[SKIP]", .skipped(reason: "")),
      ("[XFAIL]", .todo(reason: "")),
    ]
    for (word, outcome) in words {
      let trimmed = text.trimmed
      let rest: Substring
      if trimmed.hasPrefix(word) {
        rest = trimmed.dropFirst(word.count)
      } else if trimmed.hasSuffix(word) {
        rest = trimmed.dropLast(word.count)
      } else {
        continue
      }
      var name = String(rest).trimmed
      while let last = name.last, ".:-".contains(last) { name = String(name.dropLast()).trimmed }
      while let first = name.first, ":-".contains(first) { name = String(name.dropFirst()).trimmed }
      return (outcome, name)
    }
    return nil
  }

  /// `file.c:45: TPASS: text` of the new library, `test01  1  TPASS  :  text` of the old one.
  private static func ltp(_ bytes: UnsafeRawBufferPointer) -> (KTAPResult.Outcome, String)? {
    let text = bytes.text(from: 0)
    let words: [(String, KTAPResult.Outcome)] = [
      ("TPASS", .passed), ("TFAIL", .failed), ("TBROK", .failed), ("TWARN", .failed),
      ("TCONF", .skipped(reason: "")),
    ]
    for (word, outcome) in words {
      guard let range = text.firstRange(of: word) else { continue }
      let before = text[..<range.lowerBound]
      let after = text[range.upperBound...]
      guard before.last.map({ $0.isWhitespace || $0 == ":" }) ?? true,
        let colon = after.firstIndex(of: ":"), after[..<colon].allSatisfy(\.isWhitespace)
      else { continue }
      let name = String(after[after.index(after: colon)...]).trimmed
      if case .skipped = outcome { return (.skipped(reason: name), name) }
      return (outcome, name)
    }
    return nil
  }
}
