extension ControlStream.State {
  /// Gives an end to the oldest process that it can be about: the control process reports the end of a worker
  /// before the worker's number is used again.
  mutating func note(_ end: ProcessEnd) {
    if let index = followed.firstIndex(where: { $0.isEnded(by: end) }) {
      followed.remove(at: index).take(end)
      return
    }
    // The process is not followed yet: its start is reported on another connection.
    if unclaimed.count >= ProcessEnd.kept { unclaimed.removeFirst() }
    unclaimed.append(end)
  }
}
