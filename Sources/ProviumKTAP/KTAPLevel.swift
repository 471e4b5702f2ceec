/// One nesting level of KTAP output while it is read.
struct KTAPLevel {
  var column: Int
  /// From `# Subtest: name`.
  var name: String?
  var planned: Int?
  /// Results of the present document.
  var seen = 0
  /// Nested results that wait for the parent's result.
  var results: [KTAPResult] = []
  /// Nested groups that ended and wait for the result that follows them.
  var groups: [KTAPGroup] = []
  var problems: [String] = []
  /// The results of the present document, to recognize lines that are printed again.
  private var known: Set<KTAPLine.Test> = []
  private var names = UniqueNames()

  init(column: Int) { self.column = column }

  var isUsed: Bool { planned != nil || seen > 0 || !groups.isEmpty }
  var pendingCount: Int { groups.reduce(0) { $0 + $1.results.count } }

  /// nil where the plan and the results agree, or no plan was given.
  var planProblem: String? {
    guard let planned, planned != seen else { return nil }
    return "\(planned) result\(planned == 1 ? "" : "s") planned, \(seen) read"
  }

  /// Begins another document at the same place. Names stay unique across documents.
  mutating func restart() {
    planned = nil
    seen = 0
    known.removeAll()
  }

  /// False for a result with the number, name and verdict of an earlier one: a forked child prints what it found in the output
  /// buffer that it inherited.
  mutating func isNew(_ test: KTAPLine.Test) -> Bool {
    if test.number != nil, !known.insert(test).inserted { return false }
    seen += 1
    return true
  }

  /// `name`, or `name (2)` for its second use.
  mutating func unique(_ name: String) -> String { names.unique(name) }
}

/// Gives each name once.
struct UniqueNames {
  /// How often each name has been used.
  private var names: [String: Int] = [:]

  /// `name`, or `name (2)` for its second use.
  mutating func unique(_ name: String) -> String {
    var count = names[name, default: 0] + 1
    func result() -> String { count == 1 ? name : "\(name) (\(count))" }
    // A program may print a name with an ordinal itself.
    while count > 1, names[result()] != nil { count += 1 }
    names[name] = count
    if count > 1 { names[result()] = 1 }
    return result()
  }
}

/// Results of a nested document that has ended.
struct KTAPGroup {
  let name: String?
  var results: [KTAPResult]
  let problems: [String]

  /// The name in results where the group has none of its own.
  var shownName: String { name.flatMap { $0.isEmpty ? nil : $0 } ?? "unnamed group" }

  /// The results below a parent of that name.
  func named(_ parent: String) -> [KTAPResult] {
    results.map { KTAPResult(path: [parent] + $0.path, outcome: $0.outcome, diagnostics: $0.diagnostics) }
  }
}

extension [KTAPGroup] {
  /// The results of all groups below a parent of that name, each with a name of its own.
  func merged(below parent: String) -> [KTAPResult] {
    var names = UniqueNames()
    return flatMap { group in
      var own: [String: String] = [:]
      return group.results.map { result in
        let first = result.path[0]
        let name = own[first] ?? names.unique(first)
        own[first] = name
        return KTAPResult(
          path: [parent, name] + result.path.dropFirst(),
          outcome: result.outcome,
          diagnostics: result.diagnostics
        )
      }
    }
  }
}

/// The last bytes of a text, by whole lines.
struct TailBuffer {
  private let limit: Int
  private var bytes: [UInt8] = []
  private var isCut = false

  init(limit: Int) { self.limit = limit }

  mutating func append(_ line: UnsafeRawBufferPointer) {
    bytes.append(contentsOf: line)
    bytes.append(0x0A)
    if bytes.count > 2 * limit {
      bytes.removeFirst(bytes.count - limit)
      isCut = true
    }
  }

  /// Returns the text and empties the buffer.
  mutating func take() -> String {
    guard !bytes.isEmpty else { return "" }
    var kept = bytes[...]
    if kept.count > limit {
      kept = kept.suffix(limit)
      isCut = true
    }
    // The first line is not whole.
    if isCut, let end = kept.firstIndex(of: 0x0A) { kept = kept[(end + 1)...] }
    if kept.last == 0x0A { kept.removeLast() }
    let text = String(decoding: kept, as: UTF8.self)
    bytes.removeAll(keepingCapacity: true)
    isCut = false
    return text
  }
}
