import Glibc
import ProviumSystem

/// Edits a line on a terminal: movement, deletion, the lines before, completion. Long lines scroll sideways.
///
/// The terminal is in raw mode while a line is read, and in its own mode otherwise.
struct LineEditor {
  enum Line {
    case text(String)
    /// Ctrl-C: the line is given up.
    case cancelled
    /// Ctrl-D on an empty line, or the end of the terminal.
    case end
  }

  /// The lines before, oldest first.
  private(set) var history: [String]
  private var text: [Character] = []
  private var cursor = 0
  private var bytes: [UInt8] = []

  init(history: [String]) { self.history = history }

  /// Adds a line that the arrow keys find again.
  mutating func remember(_ line: String) {
    if !line.trimmed.isEmpty, history.last != line { history.append(line) }
  }

  /// Blocks until a line is complete.
  /// - Parameter complete: Returns the names that can follow at the end of a text, and how many characters they replace.
  mutating func read(
    prompt: String,
    complete: (String) -> (replaced: Int, names: [String])
  ) throws -> Line {
    let raw = try RawTerminal(0)
    defer { raw.restore() }
    text = []
    cursor = 0
    var place = history.count
    var unfinished: [Character] = []
    func show(_ line: String) { Console.write(line, to: 1) }
    show(drawing(prompt))
    while let key = readKey() {
      switch key {
      case .enter:
        cursor = text.count
        show(drawing(prompt) + "\r\n")
        return .text(String(text))
      case .control("c"):
        show("\r\n")
        return .cancelled
      case .control("d") where text.isEmpty:
        show("\r\n")
        return .end
      case .up, .down:
        let next = place + (key == .up ? -1 : 1)
        guard (0...history.count).contains(next) else { continue }
        if place == history.count { unfinished = text }
        place = next
        text = place == history.count ? unfinished : Array(history[place])
        cursor = text.count
      case .tab: show(offer(complete(String(text[..<cursor]))))
      default: edit(key)
      }
      show(drawing(prompt))
    }
    return .end
  }

  private mutating func edit(_ key: Key) {
    switch key {
    case .character(let character):
      text.insert(character, at: cursor)
      cursor += 1
    case .backspace where cursor > 0:
      cursor -= 1
      text.remove(at: cursor)
    case .delete where cursor < text.count, .control("d") where cursor < text.count: text.remove(at: cursor)
    case .left, .control("b"): cursor = max(0, cursor - 1)
    case .right, .control("f"): cursor = min(text.count, cursor + 1)
    case .home, .control("a"): cursor = 0
    case .end, .control("e"): cursor = text.count
    case .control("k"): text.removeSubrange(cursor...)
    case .control("u"):
      text.removeSubrange(..<cursor)
      cursor = 0
    case .control("w"):
      let start = text[..<cursor].lastIndex { $0 != " " } ?? 0
      let word = text[..<start].lastIndex(of: " ").map { $0 + 1 } ?? 0
      text.removeSubrange(word..<cursor)
      cursor = word
    default: break
    }
  }

  /// Inserts what all names have in common. Returns what to write: the names, if there are several and nothing was inserted.
  private mutating func offer(_ found: (replaced: Int, names: [String])) -> String {
    guard let first = found.names.first else { return "" }
    var common = first
    for name in found.names {
      while !name.hasPrefix(common) { common.removeLast() }
    }
    let added = Array(common.dropFirst(found.replaced))
    text.insert(contentsOf: added, at: cursor)
    cursor += added.count
    guard added.isEmpty, found.names.count > 1 else { return "" }
    return "\r\n" + HarmlessText.line(found.names.joined(separator: "  ")) + "\r\n"
  }

  /// The line as it is now, and the cursor at its place.
  private func drawing(_ prompt: String) -> String {
    let width = max(10, (RawTerminal.size(of: 0).map { Int($0.columns) } ?? 80) - prompt.count - 1)
    let start = max(0, cursor - width + 1)
    let shown = HarmlessText.clean(String(text[start..<min(text.count, start + width)]))
    let before = HarmlessText.clean(String(text[start..<cursor]))
    return "\r\u{1B}[K\(prompt)\(shown)\r\u{1B}[\(prompt.count + before.count)C"
  }

  // MARK: Keys

  private enum Key: Equatable {
    case character(Character)
    case control(Character)
    case enter, tab, backspace, delete, left, right, up, down, home, end, unknown
  }

  /// nil: the terminal has ended.
  private mutating func readKey() -> Key? {
    guard let first = readByte() else { return nil }
    switch first {
    case 0x0D, 0x0A: return .enter
    case 0x09: return .tab
    case 0x7F, 0x08: return .backspace
    case 0x1B: return readSequence()
    case 0..<0x20: return .control(Character(Unicode.Scalar(first + 0x60)))
    case 0x20..<0x80: return .character(Character(Unicode.Scalar(first)))
    default:
      // The length of a UTF-8 sequence is in its first byte.
      let count = first >= 0xF0 ? 3 : first >= 0xE0 ? 2 : 1
      let rest = (0..<count).compactMap { _ in readByte() }
      return String(decoding: [first] + rest, as: UTF8.self).first.map { .character($0) } ?? .unknown
    }
  }

  /// A key that sends ESC [ or ESC O and more (ECMA-48, xterm).
  private mutating func readSequence() -> Key? {
    guard let kind = readByte() else { return nil }
    guard kind == UInt8(ascii: "[") || kind == UInt8(ascii: "O") else { return .unknown }
    var number: [UInt8] = []
    while let byte = readByte() {
      if byte < 0x40 {
        number.append(byte)
        continue
      }
      switch (byte, String(decoding: number, as: UTF8.self)) {
      case (UInt8(ascii: "A"), ""): return .up
      case (UInt8(ascii: "B"), ""): return .down
      case (UInt8(ascii: "C"), ""): return .right
      case (UInt8(ascii: "D"), ""): return .left
      case (UInt8(ascii: "H"), ""), (UInt8(ascii: "~"), "1"), (UInt8(ascii: "~"), "7"): return .home
      case (UInt8(ascii: "F"), ""), (UInt8(ascii: "~"), "4"), (UInt8(ascii: "~"), "8"): return .end
      case (UInt8(ascii: "~"), "3"): return .delete
      default: return .unknown
      }
    }
    return nil
  }

  private mutating func readByte() -> UInt8? {
    if bytes.isEmpty {
      var buffer = [UInt8](repeating: 0, count: 4096)
      var count = Glibc.read(0, &buffer, buffer.count)
      while count < 0, errno == EINTR { count = Glibc.read(0, &buffer, buffer.count) }
      guard count > 0 else { return nil }
      bytes = Array(buffer[..<count])
    }
    return bytes.removeFirst()
  }
}
