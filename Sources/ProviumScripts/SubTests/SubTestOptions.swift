import ProviumLua

/// The options of a sub-test: the table between its name and its body.
struct SubTestOptions {
  var tags: [String] = []
  var timeout: Duration?
  var skip: String?
  var isSlow = false
  var isFresh = false
  var conditions = SubTestConditions()
  /// Passed to reports as they are.
  var properties: [String: String] = [:]

  init(_ argument: LuaArgument?) throws {
    for (bytes, value) in try argument?.entries() ?? [] {
      let name = String(decoding: bytes, as: UTF8.self)
      switch name {
      case "tags": tags = try value.list().map { try $0.string() }
      case "timeout": timeout = try value.duration()
      case "skip": skip = value.value.text ?? (value.value.isTruthy ? "" : nil)
      case "slow": isSlow = try value.boolean()
      case "fresh": isFresh = try value.boolean()
      case _ where try conditions.take(name, value): break
      default:
        // A mistyped condition would otherwise be no condition: the sub-test would run everywhere.
        if let condition = SubTestConditions.name(like: name) {
          throw value.refused("is an unknown condition (did you mean '\(condition)'?)")
        }
        properties[name] = value.value.text ?? value.value.described()
      }
    }
  }
}
