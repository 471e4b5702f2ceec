/// An element of a document that a test reads.
struct XMLNode {
  var name: String
  var attributes: [String: String] = [:]
  var children: [XMLNode] = []
  var text = ""
}

/// Reads the XML that reports write: elements, attributes in double quotes, the predefined entities.
struct XMLReader {
  struct Fault: Error { let message: String }
  private var rest: Substring

  static func read(_ text: String) throws -> XMLNode {
    var reader = XMLReader(rest: text[...])
    guard reader.rest.hasPrefix("<?xml "), let end = reader.rest.firstRange(of: "?>") else {
      throw Fault(message: "no declaration")
    }
    reader.rest = reader.rest[end.upperBound...].drop(while: \.isWhitespace)
    let node = try reader.element()
    guard reader.rest.allSatisfy(\.isWhitespace) else { throw Fault(message: "text after the root") }
    return node
  }

  private mutating func take(_ prefix: String) -> Bool {
    guard rest.hasPrefix(prefix) else { return false }
    rest = rest.dropFirst(prefix.count)
    return true
  }

  private mutating func until(_ ends: Set<Character>) -> String {
    let part = rest.prefix { !ends.contains($0) }
    rest = rest[part.endIndex...]
    return String(part)
  }

  private mutating func element() throws -> XMLNode {
    guard take("<") else { throw Fault(message: "no element at \(rest.prefix(30))") }
    var node = XMLNode(name: until([" ", ">", "/"]))
    while take(" ") {
      let key = until(["="])
      guard take("=\"") else { throw Fault(message: "no value of \(key)") }
      let value = until(["\"", "<"])
      guard take("\"") else { throw Fault(message: "value of \(key) does not end") }
      guard node.attributes.updateValue(try Self.plain(value), forKey: key) == nil else {
        throw Fault(message: "twice \(key)")
      }
    }
    if take("/>") { return node }
    guard take(">") else { throw Fault(message: "tag does not end at \(rest.prefix(30))") }
    while !rest.hasPrefix("</") {
      let text = until(["<"])
      node.text += try Self.plain(text)
      if rest.isEmpty { throw Fault(message: "\(node.name) does not end") }
      if !rest.hasPrefix("</") { node.children.append(try element()) }
    }
    guard take("</\(node.name)>") else { throw Fault(message: "\(node.name) ends as \(rest.prefix(20))") }
    return node
  }

  private static func plain(_ text: String) throws -> String {
    var result = ""
    var rest = text[...]
    while let character = rest.popFirst() {
      guard character == "&" else {
        result.append(character)
        continue
      }
      let known = ["lt;": "<", "gt;": ">", "amp;": "&", "quot;": "\"", "#10;": "\n", "#9;": "\t"]
      guard let entity = known.first(where: { rest.hasPrefix($0.key) }) else {
        throw Fault(message: "bare & in \(text)")
      }
      rest = rest.dropFirst(entity.key.count)
      result += entity.value
    }
    return result
  }
}
