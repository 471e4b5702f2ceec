import ProviumVM
import ProviumSystem

/// Looks at what copy-on-write machines cost, four times a second: they begin with almost nothing of their own, and take a
/// page for each that the guest writes to.
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

  /// - Parameter charge: told the bytes that are the machine's alone, now and from time to time, with the meter held: it must
  ///   not call the meter.
  /// - Returns: for `end`.
  func watch(_ process: QEMUProcess, charge: @escaping @Sendable (UInt64) -> Void) -> Int {
    state.update { state in
      let reading = Reading(process: process, charge: charge)
      Self.look(reading)
      state.next += 1
      state.readings[state.next] = reading
      if state.thread == nil, !state.isClosed {
        // Without a thread the first look is the only one: a machine is worth more than its bill.
        state.thread = try? DedicatedThread(name: "meter", stackSize: 256 << 10) { [self] in run() }
      }
      return state.next
    }
  }

  /// Nothing is charged any more once this has returned.
  func end(_ number: Int) { state.update { _ = $0.readings.removeValue(forKey: number) } }

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
      state.update { $0.readings.values.forEach(Self.look) }
    }
  }

  private static func look(_ reading: Reading) {
    if let bytes = reading.process.child.privateMemory { reading.charge(bytes) }
  }
}
