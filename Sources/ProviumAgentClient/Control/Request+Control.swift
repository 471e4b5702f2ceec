internal import CProviumWire

extension Request {
  /// Encodes INTERRUPT.
  /// - Parameters:
  ///   - command: also ends the command that an exec runs.
  ///   - request: the number of the request on the target's connection, counted from 1; 0: the one that is
  ///     being carried out.
  static func interrupt(target: UInt32, command: Bool, request: UInt32) throws -> EncodedMessage {
    let writer = MessageWriter(.interrupt)
    writer.integer(target)
    writer.integer(command ? PV_INTERRUPT_COMMAND.rawValue : UInt32(0))
    writer.integer(request)
    return try writer.finish()
  }

  static func killWorker(_ number: UInt32, pid: Int32) throws -> EncodedMessage {
    let writer = MessageWriter(.killWorker)
    writer.integer(number)
    writer.integer(pid)
    return try writer.finish()
  }
}
