import ProviumSystem

/// Chooses the crash points of a log: every durable state, then states in the order of the requests, reordered and torn
/// ones, until there are enough. The choice depends on the log, the options and the seed alone.
package struct CrashPointSearch: Sendable {
  package struct Options: Sendable, Hashable {
    /// The most unflushed changes that are missing although later ones are there.
    package var reorder = 1
    /// Whether the last change may be there in part.
    package var isTorn = true
    /// The most crash points.
    package var limit = 500
    package var seed: UInt64 = 1

    package init() {}
  }

  private let log: [LogEntry]
  private let sectorSize: Int
  private let options: Options
  /// The changes between two flushes.
  private let epochs: [Range<Int>]

  package init(_ log: [LogEntry], sectorSize: Int, options: Options) {
    self.log = log
    self.sectorSize = sectorSize
    self.options = options
    var epochs: [Range<Int>] = []
    var start = 0
    for index in log.indices where log[index].isFlush {
      epochs.append(start..<index)
      start = index + 1
    }
    epochs.append(start..<log.count)
    self.epochs = epochs
  }

  /// Changes of an epoch that a power cut may lose.
  private func open(_ epoch: Range<Int>) -> [Int] {
    epoch.filter { log[$0].changesContents && !log[$0].isDurable }
  }

  /// The crash points, at most `limit`, those that are easier to understand first. Some may have equal contents.
  package func points() -> [CrashPoint] {
    var generator = SeededGenerator(seed: options.seed)
    let durable = sample(durablePoints, options.limit, &generator)
    var rest = [orderedPoints, reorderedPoints(&generator), options.isTorn ? tornPoints(&generator) : []]
    var room = options.limit - durable.count
    var chosen = durable
    // Each kind gets an equal share; what one kind does not need goes to the others.
    while room > 0, let smallest = rest.indices.min(by: { rest[$0].count < rest[$1].count }), !rest.isEmpty {
      let kind = rest.remove(at: smallest)
      let taken = sample(kind, room / (rest.count + 1), &generator)
      chosen += taken
      room -= taken.count
    }
    return chosen.sorted { ($0.weight, $0.missing.first ?? 0) < ($1.weight, $1.missing.first ?? 0) }
  }

  private func sample(_ points: [CrashPoint], _ count: Int, _ generator: inout SeededGenerator)
    -> [CrashPoint]
  {
    points.count <= count ? points : Array(points.shuffled(using: &generator).prefix(count))
  }

  /// At the end of each epoch, so that all marks until the next flush are included.
  private var durablePoints: [CrashPoint] {
    epochs.map { CrashPoint(kind: .durable, length: $0.upperBound, missing: open($0)) }
  }

  /// After each change. Marks that follow it are included: they change nothing.
  private var orderedPoints: [CrashPoint] {
    epochs.flatMap { epoch in
      open(epoch).map { CrashPoint(kind: .ordered, length: endOfMarks(after: $0 + 1)) }
    }
  }

  private func endOfMarks(after index: Int) -> Int {
    var end = index
    while end < log.count, log[end].mark != nil { end += 1 }
    return end
  }

  private func reorderedPoints(_ generator: inout SeededGenerator) -> [CrashPoint] {
    guard options.reorder > 0 else { return [] }
    var points: [CrashPoint] = []
    for epoch in epochs {
      let open = open(epoch)
      guard open.count > 1 else { continue }
      // Without the last one it would be an ordered state.
      for index in open.dropLast() {
        points.append(CrashPoint(kind: .reordered, length: epoch.upperBound, missing: [index]))
      }
      // One late change that overtook all others.
      for index in open.dropFirst() {
        points.append(
          CrashPoint(kind: .reordered, length: epoch.upperBound, missing: open.filter { $0 != index })
        )
      }
      guard options.reorder > 1 else { continue }
      for size in 2...options.reorder where size < open.count {
        for _ in 0..<min(open.count, options.limit) {
          let missing = open.shuffled(using: &generator).prefix(size).sorted()
          points.append(CrashPoint(kind: .reordered, length: epoch.upperBound, missing: missing))
        }
      }
    }
    return points
  }

  private func tornPoints(_ generator: inout SeededGenerator) -> [CrashPoint] {
    epochs.flatMap { epoch in
      open(epoch).compactMap { index in
        let sectors = log[index].count / sectorSize
        guard sectors > 1, case .write = log[index].kind else { return nil }
        let kept = Int.random(in: 1..<sectors, using: &generator)
        return CrashPoint(kind: .torn, length: index + 1, tornAt: kept * sectorSize)
      }
    }
  }
}
