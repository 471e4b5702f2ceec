import ProviumSystem

/// The message about a name that an object or a library does not have.
enum UnknownMember {
  /// `vm has no method 'exce' (did you mean 'exec'?)`; without a similar name, the list of all names.
  static func message(_ key: LuaValue, of owner: String, _ names: [String], noun: String) -> String {
    guard let member = key.text else { return "\(owner) cannot be indexed by \(key.given)" }
    let hint = NearestName.hint(for: member, among: names)
    let known = hint.isEmpty && !names.isEmpty ? "; it has: \(names.joined(separator: ", "))" : ""
    return "\(owner) has no \(noun) '\(member)'\(hint)\(known)"
  }
}
