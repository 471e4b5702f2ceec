extension RootUnpacker {
  /// Whether there is a file or folder, also through links.
  package func contains(_ path: String) -> Bool {
    let parts = path.utf8.split(separator: UInt8(ascii: "/")).map { Array($0) }
    return (try? tree.find(parts, following: true)).flatMap { $0 } != nil
  }

  /// Leaves some files and folders in the tree, and nothing else. A symbolic link to a file becomes that file; other symbolic links
  /// and pipes go, so the tree names nothing outside of itself. Call before `finish`.
  /// - Parameter paths: paths that the tree may lack, without a leading `/`.
  /// - Returns: whether anything is left.
  package func keep(only paths: [String]) -> Bool {
    let kept = RootTree()
    var seen: Set<ObjectIdentifier> = []
    for path in paths {
      let parts = path.utf8.split(separator: UInt8(ascii: "/")).map { Array($0) }
      // lib may be a link to usr/lib.
      guard let name = parts.last, let node = target(of: parts),
        seen.insert(ObjectIdentifier(node)).inserted,
        let folder = (try? kept.find(parts.dropLast(), creating: true)).flatMap({ $0 })
      else { continue }
      folder.children[name] = node
      if node.isFolder { replaceLinks(in: node, at: parts) }
    }
    tree = kept
    return !kept.root.children.isEmpty
  }

  /// The file or folder that a path leads to.
  private func target(of path: [[UInt8]]) -> RootTree.Node? {
    let found = (try? tree.find(path, following: true)).flatMap { $0 }
    return found.flatMap { $0.isFolder || $0.data != nil ? $0 : nil }
  }

  private func replaceLinks(in folder: RootTree.Node, at path: [[UInt8]]) {
    var open = [(node: folder, path: path)]
    while let (folder, path) = open.popLast() {
      for (name, child) in folder.children {
        if child.isFolder {
          open.append((child, path + [name]))
        } else if child.data == nil {
          let target = target(of: path + [name])
          folder.children[name] = target?.isFolder == true ? nil : target
        }
      }
    }
  }
}
