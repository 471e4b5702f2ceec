import ProviumEvents

/// Checks that reports are the shards of one suite: no shard is missing, none is there twice, each file is in
/// exactly one. Pure.
struct SplitCheck {
  /// Contradictions between the shards, in words.
  private(set) var problems: [String] = []

  init(_ shards: [ShardReport]) {
    let parts = shards.compactMap { shard in shard.header.shard.map { (path: shard.path, shard: $0) } }
    guard let first = parts.first else { return }
    for other in shards where other.header.shard == nil {
      problems.append(
        "\(other.path) is the report of a whole suite, but \(first.path) is the report of shard \(first.shard.name)"
      )
    }
    for other in parts.dropFirst() where other.shard.total != first.shard.total {
      problems.append(
        "\(other.path) is the report of shard \(other.shard.name), but \(first.path) is the report of shard \(first.shard.name)"
      )
    }
    guard problems.isEmpty else { return }
    for other in parts.dropFirst() { compare(other, with: first) }
    let isWhole = count(parts, total: first.shard.total)
    findOwners(of: parts, isWhole: isWhole)
  }

  /// Reports shards with different suites, as after a change of the tests between the shards' runs.
  private mutating func compare(
    _ other: (path: String, shard: RunShard),
    with first: (path: String, shard: RunShard)
  ) {
    let (ours, theirs) = (Set(first.shard.suite), Set(other.shard.suite))
    for (path, missing) in [(other.path, ours.subtracting(theirs)), (first.path, theirs.subtracting(ours))]
    where !missing.isEmpty {
      let between = "\(first.path) and \(other.path)"
      problems.append("\(between) have different suites: \(path) lacks \(Self.list(missing))")
    }
  }

  /// Reports missing shards, and shards that are there twice.
  /// - Returns: whether no shard is missing.
  private mutating func count(_ parts: [(path: String, shard: RunShard)], total: Int) -> Bool {
    var paths: [Int: [String]] = [:]
    for part in parts { paths[part.shard.index, default: []].append(part.path) }
    for (index, several) in paths.sorted(by: { $0.key < $1.key }) where several.count > 1 {
      problems.append("shard \(index)/\(total) is there more than once: \(several.joined(separator: ", "))")
    }
    let missing = (1...max(1, total)).lazy.filter { paths[$0] == nil }.prefix(20).map { "\($0)/\(total)" }
    if !missing.isEmpty { problems.append("missing shards: \(missing.joined(separator: ", "))") }
    return missing.isEmpty
  }

  private mutating func findOwners(of parts: [(path: String, shard: RunShard)], isWhole: Bool) {
    var owners: [String: Set<Int>] = [:]
    for part in parts {
      for file in part.shard.part { owners[file, default: []].insert(part.shard.index) }
    }
    let suite = parts.reduce(into: Set<String>()) { $0.formUnion($1.shard.suite) }
    let ownerless = suite.filter { owners[$0] == nil }
    if isWhole, !ownerless.isEmpty { problems.append("no shard had \(Self.list(ownerless)) to run") }
    let shared = owners.filter { $0.value.count > 1 }.keys
    if !shared.isEmpty {
      problems.append("several shards had \(Self.list(shared)) to run: were they given the same --durations?")
    }
  }

  private static func list(_ files: some Collection<String>) -> String {
    files.sorted().prefix(5).joined(separator: ", ") + (files.count > 5 ? " and \(files.count - 5) more" : "")
  }
}
