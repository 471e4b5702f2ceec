/// The extended attributes that a guest sees. The host's security labels and ACLs are about its own users.
enum SharedAttribute {
  static func isShared(_ name: [UInt8]) -> Bool {
    name.starts(with: Array("user.".utf8)) || name == Array("security.capability".utf8)
  }
}
