import ProviumEvents

/// The row of each file and VM in the timeline. There are as many rows as files ran at the same time. Pure.
struct TimelineLayout {
  struct Bar {
    let run: FileRun
    let start: Double
    let end: Double
    /// The VMs of the file while it ran, each with its row below the file's bar.
    var machines: [(machine: MachineRun, row: Int)] = []
    /// The times at which the file waited for the pool.
    var waits: [(start: Double, end: Double)] = []
  }
  struct Lane {
    var bars: [Bar] = []
    var machineRows = 0
    var end: Double { bars.last?.end ?? 0 }
  }

  private(set) var lanes: [Lane] = []
  let duration: Double

  init(_ record: RunRecord) {
    duration = max(record.duration, 0.001)
    let machines = Dictionary(grouping: record.machines, by: \.description.file)
    let reservations = Dictionary(grouping: record.reservations, by: \.file)
    for run in record.runs.sorted(by: { $0.started < $1.started }) {
      var bar = Bar(run: run, start: run.started, end: run.end(at: record.duration))
      let rows = Self.place(machines[run.file] ?? [], in: &bar, now: record.duration)
      for reservation in reservations[run.file] ?? []
      where reservation.asked >= bar.start && reservation.asked <= bar.end {
        let end = reservation.granted ?? bar.end
        if end - reservation.asked > 0.001 { bar.waits.append((reservation.asked, end)) }
      }
      let lane = lanes.firstIndex { $0.end <= bar.start + 1e-6 } ?? lanes.count
      if lane == lanes.count { lanes.append(Lane()) }
      lanes[lane].bars.append(bar)
      lanes[lane].machineRows = max(lanes[lane].machineRows, rows)
    }
  }

  /// Uses at most eight rows. Further VMs share the last row.
  private static func place(_ machines: [MachineRun], in bar: inout Bar, now: Double) -> Int {
    var ends: [Double] = []
    for machine in machines where machine.started >= bar.start - 1e-6 && machine.started <= bar.end {
      var row = ends.firstIndex { $0 <= machine.started } ?? ends.count
      if row == ends.count { if row < 8 { ends.append(0) } else { row = 7 } }
      ends[row] = machine.ended ?? now
      bar.machines.append((machine, row))
    }
    return ends.count
  }
}
