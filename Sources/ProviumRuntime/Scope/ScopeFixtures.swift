/// Where a scope looks fixtures up by name: in the folders from `folder` up to `root`.
package struct FixtureSearch: Sendable, Hashable {
  /// The absolute path of the folder of the file that asks.
  package let folder: String
  /// The absolute path of the tests' root.
  package let root: String

  package init(folder: String, root: String) {
    self.folder = folder
    self.root = root
  }
}

/// A fixture that a scope is building.
package struct FixtureInProgress: Sendable, Hashable {
  package let name: String
  /// The fixture's folder in the cache.
  package let place: String

  package init(name: String, place: String) {
    self.name = name
    self.place = place
  }
}

/// A fixture that a scope resumed: the name it was asked for by, and which build it was.
package struct UsedFixture: Sendable, Hashable {
  package let name: String
  /// The absolute path of its script.
  package let source: String
  package let buildID: String
}
