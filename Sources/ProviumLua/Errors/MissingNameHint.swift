import ProviumSystem

/// Says what to write instead of a name that has no value: the nearest global, or the replacement of what Lua
/// 5.1 had.
enum MissingNameHint {
  /// The hint to put after Lua's message `attempt to call a nil value (global 'asert_eq')`; empty if there is
  /// none.
  static func text(for message: String, globals: Set<String>) -> String {
    guard let missing = missingName(in: message) else { return "" }
    if let replacement = removed[missing.name] {
      // Lua does not say of which table a field is: the script may mean one of its own.
      let owner = replacement.library.map { "\($0)." } ?? ""
      guard (replacement.library == nil) == missing.isVariable else { return "" }
      return " (Lua 5.1's \(owner)\(missing.name) does not exist in Lua 5.4: \(replacement.advice))"
    }
    return missing.kind == "global" ? NearestName.hint(for: missing.name, among: globals.sorted()) : ""
  }

  private struct MissingName {
    /// As Lua names it: `global`, `local`, `upvalue`, `field`, `method`.
    let kind: Substring
    let name: String
    var isVariable: Bool { kind != "field" && kind != "method" }
  }

  /// The name in `attempt to call a nil value (field 'getn')`.
  private static func missingName(in message: String) -> MissingName? {
    for start in ["attempt to call a nil value (", "attempt to index a nil value ("]
    where message.hasPrefix(start) && message.hasSuffix("')") {
      let words = message.dropFirst(start.count).dropLast(2).split(separator: " '", maxSplits: 1)
      if words.count == 2 { return MissingName(kind: words[0], name: String(words[1])) }
    }
    return nil
  }

  private struct Replacement {
    /// The library of a function; nil for a global.
    let library: String?
    let advice: String

    init(_ advice: String, in library: String? = nil) {
      self.library = library
      self.advice = advice
    }
  }

  /// Names of Lua 5.1 and LuaJIT that Lua 5.4 has not (its manual, section 8, and those of 5.2 and 5.3).
  private static let removed: [String: Replacement] = [
    "setfenv": Replacement("give load() a table as its fourth argument, or declare `local _ENV = {…}`"),
    "getfenv": Replacement("use _ENV, or _G for the globals"),
    "module": Replacement("make a local table, fill it, and return it at the end of the file"),
    "newproxy": Replacement("use a table with a metatable"),
    "gcinfo": Replacement("use collectgarbage(\"count\")"),
    "bit": Replacement("use the operators & | ~ << >>"),
    "bit32": Replacement("use the operators & | ~ << >>"),
    "jit": Replacement("scripts run on Lua's own interpreter"),
    "getn": Replacement("use #t", in: "table"),
    "setn": Replacement("assign nil to the elements to remove", in: "table"),
    "maxn": Replacement("use #t, or a loop with pairs()", in: "table"),
    "foreach": Replacement("use a loop with pairs()", in: "table"),
    "foreachi": Replacement("use a loop with ipairs()", in: "table"),
    "gfind": Replacement("use string.gmatch", in: "string"),
    "pow": Replacement("use x ^ y", in: "math"),
    "mod": Replacement("use math.fmod or x % y", in: "math"),
    "log10": Replacement("use math.log(x, 10)", in: "math"),
    "atan2": Replacement("use math.atan(y, x)", in: "math"),
    "ldexp": Replacement("use x * 2.0 ^ n", in: "math"),
    "frexp": Replacement("use string.format(\"%a\", x)", in: "math"),
    "cosh": Replacement("use math.exp", in: "math"),
    "sinh": Replacement("use math.exp", in: "math"),
    "tanh": Replacement("use math.exp", in: "math"),
    "seeall": Replacement("make a local table, fill it, and return it at the end of the file", in: "package"),
  ]
}
