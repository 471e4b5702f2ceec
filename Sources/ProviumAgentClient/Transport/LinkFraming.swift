import ProviumSystem

/// Splitting of messages into frames. Each payload is a part of one segment, and is sent without a copy.
enum LinkFraming {
  /// Calls `send` with up to `framesPerBatch` frames at a time.
  static func each(
    _ segments: [UnsafeRawBufferPointer],
    channel: UInt16,
    framesPerBatch: Int,
    _ send: (inout IOVectors) throws -> Void
  ) throws {
    let headers = UnsafeMutableRawPointer.allocate(
      byteCount: LinkFrame.headerSize * framesPerBatch,
      alignment: 8
    )
    defer { headers.deallocate() }
    var parts: [UnsafeRawBufferPointer] = []
    parts.reserveCapacity(2 * framesPerBatch)
    for segment in segments {
      var rest = segment
      while !rest.isEmpty {
        let payload = UnsafeRawBufferPointer(rebasing: rest.prefix(LinkFrame.maxPayload))
        rest = UnsafeRawBufferPointer(rebasing: rest.dropFirst(payload.count))
        let header = headers + LinkFrame.headerSize * (parts.count / 2)
        LinkFrame.writeHeader(.data, channel: channel, payload: payload, to: header)
        parts.append(UnsafeRawBufferPointer(start: header, count: LinkFrame.headerSize))
        parts.append(payload)
        if parts.count == 2 * framesPerBatch { try flush(&parts, send) }
      }
    }
    try flush(&parts, send)
  }

  private static func flush(
    _ parts: inout [UnsafeRawBufferPointer],
    _ send: (inout IOVectors) throws -> Void
  ) throws {
    if parts.isEmpty { return }
    var vectors = IOVectors(parts)
    parts.removeAll(keepingCapacity: true)
    try send(&vectors)
  }
}
