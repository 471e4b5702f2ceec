/// A place in a kernel's code as its reports print it: `proc_reg_write+0x56/0xa0 [module]` (lib/vsprintf.c, `%pS`).
struct TraceFrame: Hashable {
  let function: String
  /// Of the instruction that ran, from the start of the function.
  let offset: UInt64
  /// The function's size: the distance to the next symbol.
  let size: UInt64
  /// With `_` in place of `-`; nil: the kernel itself.
  let module: String?
  /// The build ID that CONFIG_STACKTRACE_BUILD_ID prints after the module's name.
  let buildID: String?

  /// A frame in a line, and the place after it.
  struct Occurrence {
    let frame: TraceFrame
    let end: String.Index
  }

  /// KSYM_NAME_LEN of the kernel.
  private static let longestName = 512

  /// Returns the frames of one line of a report, in their order.
  static func occurrences(in line: String) -> [Occurrence] {
    var found: [Occurrence] = []
    var rest = line[...]
    while let mark = rest.firstRange(of: "+0x") {
      let place = mark.lowerBound
      rest = rest[mark.upperBound...]
      let start = line[..<place].utf8.lastIndex { !isNamePart($0) }.map { line.utf8.index(after: $0) }
      let name = line[(start ?? line.startIndex)..<place]
      guard let first = name.utf8.first, isLetter(first), name.utf8.count < longestName,
        let offset = takeNumber(&rest), rest.hasPrefix("/0x")
      else { continue }
      rest = rest.dropFirst(3)
      guard let size = takeNumber(&rest), size > 0, offset <= size else { continue }
      let (module, buildID) = takeModule(&rest)
      let frame = TraceFrame(
        function: String(name),
        offset: isExact(after: line[..<(start ?? line.startIndex)]) || offset == 0 ? offset : offset - 1,
        size: size,
        module: module?.replacing("-", with: "_"),
        buildID: buildID
      )
      found.append(Occurrence(frame: frame, end: rest.startIndex))
    }
    return found
  }

  /// The release of the kernel, from the first line that has it: `CPU: 0 PID: 1 Comm: init Not tainted 6.1.0 #1 …`.
  static func kernelRelease(in lines: some Sequence<String>) -> String? {
    for line in lines where line.contains(" Comm: ") {
      if let end = line.firstRange(of: " #"),
        let word = line[..<end.lowerBound].split(separator: " ").last, word.first?.isNumber == true
      {
        return String(word)
      }
    }
    return nil
  }

  /// Whether the place is that of the instruction itself. All others are return addresses, which may belong to the next
  /// line, or to the next function.
  private static func isExact(after text: Substring) -> Bool {
    text.contains("RIP: ") || text.hasSuffix("pc : ")
  }

  private static func takeNumber(_ rest: inout Substring) -> UInt64? {
    let digits = rest.prefix { $0.isASCII && $0.isHexDigit }
    rest = rest[digits.endIndex...]
    return UInt64(digits, radix: 16)
  }

  /// Takes ` [name]` or ` [name BUILDID]`.
  private static func takeModule(_ rest: inout Substring) -> (name: String?, buildID: String?) {
    guard rest.hasPrefix(" ["), let end = rest.firstIndex(of: "]") else { return (nil, nil) }
    let words = rest[..<end].dropFirst(2).split(separator: " ")
    guard let name = words.first, words.count <= 2, name.utf8.allSatisfy({ isNamePart($0) || $0 == 0x2d })
    else { return (nil, nil) }
    rest = rest[end...].dropFirst()
    let id = words.dropFirst().first.map(String.init)
    return (String(name), id?.allSatisfy(\.isHexDigit) == true ? id : nil)
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == UInt8(ascii: "_")
  }

  private static func isNamePart(_ byte: UInt8) -> Bool {
    isLetter(byte) || (0x30...0x39).contains(byte) || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "$")
  }
}
