import ProviumVM
import ProviumSystem

/// Measures four times a second what copy-on-write VMs cost: a VM begins with almost no memory of its own, and gets a
/// page for each page that its guest writes to.
final class MemoryMeter: Sendable {
  private struct Reading {
    let process: QEMUProcess
    let charge: @Sendable (UInt64) -> Void
  }
  private struct State {
    var next = 0
    var readings: [Int: Reading] = [:]
    var isClosed = false
    var thread: DedicatedThread?
  }
  private let state = Monitor(State())

  /// Measures `process` now, and repeatedly until `end`.
  /// - Parameter charge: receives the bytes that belong to the VM alone. Called while the meter is locked: it must not
  ///   call the meter.
  /// - Returns: a number for `end`.
  func watch(_ process: QEMUProcess, charge: @escaping @Sendable (UInt64) -> Void) -> Int {
    state.update { state in
      let reading = Reading(process: process, charge: charge)
      Self.measure(reading)
      state.next += 1
      state.readings[state.next] = reading
      if state.thread == nil, !state.isClosed {
        // Without a thread the first measurement is the only one: the VM runs, and its growth is not counted.
        state.thread = try? DedicatedThread(name: "meter", stackSize: 256 << 10) { [self] in run() }
      }
      return state.next
    }
  }

  /// Ends a measurement: `charge` is not called after this has returned.
  func end(_ number: Int) { state.update { _ = $0.readings.removeValue(forKey: number) } }

  /// Ends the thread. Blocks until it has ended.
  func close() {
    let thread = state.update { state in
      state.isClosed = true
      return state.thread
    }
    thread?.join()
  }

  private func run() {
    while true {
      state.wait(until: .never) { $0.isClosed || !$0.readings.isEmpty ? () : nil }
      let isClosed = state.wait(until: .after(.milliseconds(250))) { $0.isClosed ? true : nil }
      guard isClosed == nil else { return }
      state.update { $0.readings.values.forEach(Self.measure) }
    }
  }

  private static func measure(_ reading: Reading) {
    if let bytes = reading.process.child.privateMemory { reading.charge(bytes) }
  }
}
