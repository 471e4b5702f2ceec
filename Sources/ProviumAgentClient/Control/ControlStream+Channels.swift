import ProviumSystem

/// The connections of workers over the serial port.
extension ControlStream {
  /// Opens a connection to a worker over the serial port.
  func openChannel(_ number: UInt16, until deadline: Deadline) throws -> LinkChannel {
    // The channel and this stream retain each other until the channel or the connection ends.
    let channel = LinkChannel(
      number: number,
      write: { [self] vectors, deadline in try write(&vectors, until: deadline) },
      close: { [self] channel in closeChannel(channel) }
    )
    let before = state.update { $0.channels.updateValue(channel, forKey: number) }
    before?.fail(.ended(nil))
    try sendFrame(.open, number, until: deadline)
    return channel
  }

  private func closeChannel(_ channel: LinkChannel) {
    let isOurs = state.update { state -> Bool in
      guard state.channels[channel.number] === channel else { return false }
      state.channels[channel.number] = nil
      return true
    }
    channel.fail(.ended(nil))
    if isOurs { try? sendFrame(.close, channel.number, until: .after(.seconds(1))) }
  }

  private func sendFrame(_ type: LinkFrameType, _ number: UInt16, until deadline: Deadline) throws {
    let frame = LinkFrame.bytes(type, channel: number)
    try frame.withUnsafeBytes { bytes in
      var vectors = IOVectors([bytes])
      try write(&vectors, until: deadline)
    }
  }
}
