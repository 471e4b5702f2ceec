internal import Glibc

/// Writes numbers as Lua 5.4 does.
enum LuaNumber {
  /// The float as `%.14g`, with `.0` added where that looks like an integer.
  static func text(_ value: Double) -> String {
    if value.isNaN { return value.sign == .minus ? "-nan" : "nan" }
    if value.isInfinite { return value < 0 ? "-inf" : "inf" }
    var buffer = [CChar](repeating: 0, count: 64)
    let length = withVaList([value]) { vsnprintf(&buffer, buffer.count, "%.14g", $0) }
    let text = String(decoding: buffer.prefix(Int(length)).map { UInt8(bitPattern: $0) }, as: UTF8.self)
    return text.allSatisfy { $0.isNumber || $0 == "-" } ? text + ".0" : text
  }
}
