internal import CProviumWire
package import ProviumSystem

/// The state of a process with live streams; decoded from PROCESS_STATE.
package struct ProcessState: Hashable, Sendable {
  /// How the process ended; nil while it runs.
  package let status: ExitStatus?
  /// Whether more can come from the standard output: some process has it open.
  package let isOutputOpen: Bool
  /// The same of the standard error.
  package let isErrorOpen: Bool

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    let isRunning = try reader.integer(UInt8.self) != 0
    let exitCode: Int32 = try reader.integer(), signal: Int32 = try reader.integer()
    status = isRunning ? nil : signal == 0 ? .exited(exitCode) : .signaled(Signal(rawValue: signal))
    let open: UInt32 = try reader.integer()
    isOutputOpen = open & PV_STREAM_OUTPUT.rawValue != 0
    isErrorOpen = open & PV_STREAM_ERROR.rawValue != 0
    try reader.finish()
  }
}

/// The output streams of a process.
package struct ProcessStreams: OptionSet, Hashable, Sendable {
  package let rawValue: UInt32
  package init(rawValue: UInt32) { self.rawValue = rawValue }

  package static let output = Self(rawValue: PV_STREAM_OUTPUT.rawValue)
  package static let error = Self(rawValue: PV_STREAM_ERROR.rawValue)
  package static let all: Self = [.output, .error]
}
