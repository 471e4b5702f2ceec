/// The numbers that a guest's kernel has for the files of one share. It is the whole state of a share: a snapshot keeps it.
package struct NodeTable: Sendable, Equatable {
  struct Place: Hashable, Sendable {
    let parent: UInt64
    let name: [UInt8]
  }

  /// The number of the root (FUSE_ROOT_ID).
  static let root: UInt64 = 1

  var nodes: [UInt64: Node] = [:]
  /// The node that has a name now. A node whose file was replaced is not in here.
  var places: [Place: UInt64] = [:]
  var next: UInt64 = 2
  /// The features that FUSE_INIT has agreed on; nil before.
  var features: UInt32?

  package init() {}

  /// The number of nodes.
  package var count: Int { nodes.count }

  /// The node that has a name now; nil for a name that the kernel does not know.
  func node(named name: [UInt8], in parent: UInt64) -> UInt64? { places[Place(parent: parent, name: name)] }

  /// Returns the node of a file, and counts the kernel's reference to it. A name whose file was replaced gets a new node.
  mutating func look(up name: [UInt8], in parent: UInt64, facts: NodeFacts) -> UInt64 {
    let place = Place(parent: parent, name: name)
    if let known = places[place], let node = nodes[known], node.facts.isSameFile(as: facts) {
      nodes[known]?.lookups &+= 1
      return known
    }
    let number = next
    next += 1
    nodes[number] = Node(parent: parent, name: name, lookups: 1, facts: facts)
    nodes[parent]?.children += 1
    places[place] = number
    return number
  }

  /// Takes references of the kernel back. A node without references and children is removed.
  mutating func forget(_ number: UInt64, _ count: UInt64) {
    guard number != Self.root, let node = nodes[number] else { return }
    nodes[number]?.lookups = node.lookups - min(count, node.lookups)
    removeUnused(number)
  }

  private mutating func removeUnused(_ first: UInt64) {
    var number = first
    while number != Self.root, let node = nodes[number], node.lookups == 0, node.children == 0 {
      nodes[number] = nil
      let place = Place(parent: node.parent, name: node.name)
      if places[place] == number { places[place] = nil }
      nodes[node.parent]?.children -= 1
      number = node.parent
    }
  }

  /// The path of a node below the root, empty for the root; nil for a number that is not known.
  func path(of number: UInt64) -> [UInt8]? {
    var names: [[UInt8]] = []
    var number = number
    while number != Self.root {
      guard let node = nodes[number] else { return nil }
      names.append(node.name)
      number = node.parent
    }
    return Array(names.reversed().joined(separator: [UInt8(ascii: "/")]))
  }
}
