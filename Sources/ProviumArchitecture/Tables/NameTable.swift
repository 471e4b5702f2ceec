/// Names and numbers, parsed from constant texts (`name number` a line) when the table is made.
struct NameTable: Sendable {
  let numbers: [String: Int64]
  private let names: [Int64: String]

  /// A number with several names is shown by the first one.
  init(_ texts: StaticString...) {
    var numbers: [String: Int64] = [:]
    var names: [Int64: String] = [:]
    for text in texts {
      text.withUTF8Buffer { bytes in
        for line in bytes.split(separator: UInt8(ascii: "\n")) {
          guard let space = line.firstIndex(of: UInt8(ascii: " ")),
            let number = Int64(String(decoding: line[(space + 1)...], as: UTF8.self))
          else { continue }
          let name = String(decoding: line[..<space], as: UTF8.self)
          numbers[name] = number
          if names[number] == nil { names[number] = name }
        }
      }
    }
    self.numbers = numbers
    self.names = names
  }

  func name(_ number: Int64) -> String? { names[number] }
}
