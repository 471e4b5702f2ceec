/// Removes from one line of output everything around its content: terminal colours, a carriage return, a kernel's time stamp.
enum KTAPCleaner {
  /// - Parameter line: without its newline.
  /// - Returns: the range of the content, and a cleaned copy where bytes inside had to go.
  static func clean(_ line: UnsafeRawBufferPointer) -> (range: Range<Int>, copy: [UInt8]?) {
    var end = line.count
    while end > 0, line[end - 1] == 0x0D { end -= 1 }
    let content = UnsafeRawBufferPointer(rebasing: line[..<end])
    guard content.firstOffset(of: 0x1B, from: 0) != nil else { return (timeStampEnd(content)..<end, nil) }
    let copy = withoutEscapes(content)
    let start = copy.withUnsafeBytes { timeStampEnd($0) }
    return (start..<copy.count, copy)
  }

  /// Bytes of `<6>[   12.345678] ` at the start, as `printk` and the console have it; 0 without one. A caller's tag (`[   T12]`) after it counts.
  static func timeStampEnd(_ line: UnsafeRawBufferPointer) -> Int {
    var position = 0
    if position < line.count, line[position] == UInt8(ascii: "<") {
      position += 1
      guard line.number(from: &position) != nil, position < line.count, line[position] == UInt8(ascii: ">")
      else {
        return 0
      }
      position += 1
    }
    guard let end = stamp(line, from: position) else { return 0 }
    return end
  }

  /// The position of a kernel's time stamp inside a line that other output tore; nil without one.
  static func tornAt(_ line: UnsafeRawBufferPointer) -> Int? {
    var position = 1
    while let found = line.firstOffset(of: UInt8(ascii: "["), from: position) {
      if stamp(line, from: found) != nil { return found }
      position = found + 1
    }
    return nil
  }

  /// `[   12.345678] `: returns the position after it.
  private static func stamp(_ line: UnsafeRawBufferPointer, from start: Int) -> Int? {
    var position = start
    guard position < line.count, line[position] == UInt8(ascii: "[") else { return nil }
    position += 1
    while position < line.count, line[position] == 0x20 { position += 1 }
    guard line.number(from: &position) != nil, position < line.count, line[position] == UInt8(ascii: ".")
    else {
      return nil
    }
    position += 1
    let fraction = position
    guard line.number(from: &position) != nil, position - fraction == 6, position < line.count,
      line[position] == UInt8(ascii: "]")
    else { return nil }
    position += 1
    if position < line.count, line[position] == UInt8(ascii: "[") {
      // CONFIG_PRINTK_CALLER: `[    T1]`, `[    C0]`.
      var end = position + 1
      while end < line.count, end - position < 16, line[end] != UInt8(ascii: "]") { end += 1 }
      if end < line.count, line[end] == UInt8(ascii: "]") { position = end + 1 }
    }
    return position < line.count && line[position] == 0x20 ? position + 1 : position
  }

  /// Without CSI sequences (ECMA-48) and lone escapes.
  private static func withoutEscapes(_ line: UnsafeRawBufferPointer) -> [UInt8] {
    var result: [UInt8] = []
    result.reserveCapacity(line.count)
    var position = 0
    while position < line.count {
      guard line[position] == 0x1B else {
        result.append(line[position])
        position += 1
        continue
      }
      position += 1
      guard position < line.count, line[position] == UInt8(ascii: "[") else {
        position += 1
        continue
      }
      position += 1
      while position < line.count, !(0x40...0x7E).contains(line[position]) { position += 1 }
      position += 1
    }
    return result
  }
}
