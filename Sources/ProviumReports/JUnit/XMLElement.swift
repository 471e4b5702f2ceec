/// An element of an XML document: attributes in order, and either text or children.
struct XMLElement {
  let name: String
  var attributes: [(String, String)]
  var text: String
  var children: [XMLElement]

  init(_ name: String, _ attributes: [(String, String)] = [], text: String = "", children: [XMLElement] = [])
  {
    self.name = name
    self.attributes = attributes
    self.text = text
    self.children = children
  }

  /// The whole document, indented. Text keeps its white space.
  var document: String {
    var result = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
    write(to: &result, indent: "")
    return result
  }

  private func write(to result: inout String, indent: String) {
    result += "\(indent)<\(name)"
    for (key, value) in attributes { result += " \(key)=\"\(MarkupText.xml(value, isAttribute: true))\"" }
    if text.isEmpty, children.isEmpty {
      result += "/>\n"
    } else if children.isEmpty {
      result += ">\(MarkupText.xml(text))</\(name)>\n"
    } else {
      result += ">\n"
      for child in children { child.write(to: &result, indent: indent + "  ") }
      result += "\(indent)</\(name)>\n"
    }
  }
}
