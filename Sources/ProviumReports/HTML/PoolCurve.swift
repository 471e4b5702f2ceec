/// The memory that the pool had granted, and the number of files that waited for it, over the run. Pure.
struct PoolCurve {
  struct Step {
    let time: Double
    let memory: UInt64
    let waiting: Int
  }
  private(set) var steps: [Step] = []
  var peak: UInt64 { steps.map(\.memory).max() ?? 0 }
  var mostWaiting: Int { steps.map(\.waiting).max() ?? 0 }

  init(_ record: RunRecord) {
    var changes: [(time: Double, memory: Int64, waiting: Int)] = []
    for reservation in record.reservations {
      var memory = Int64(clamping: reservation.memory)
      changes.append((reservation.asked, 0, 1))
      changes.append((reservation.granted ?? record.duration, 0, -1))
      guard let granted = reservation.granted else { continue }
      changes.append((granted, memory, 0))
      for step in reservation.growth {
        let grown = Int64(clamping: step.memory)
        changes.append((step.time, grown &- memory, 0))
        memory = grown
      }
      changes.append((reservation.released ?? record.duration, -memory, 0))
    }
    var memory: Int64 = 0
    var waiting = 0
    changes.sort { $0.time < $1.time }
    for (index, change) in changes.enumerated() {
      memory = memory.addingReportingOverflow(change.memory).partialValue
      waiting += change.waiting
      // Changes at the same time are one step.
      if index + 1 < changes.count, changes[index + 1].time <= change.time { continue }
      steps.append(Step(time: change.time, memory: UInt64(clamping: memory), waiting: waiting))
    }
  }
}
