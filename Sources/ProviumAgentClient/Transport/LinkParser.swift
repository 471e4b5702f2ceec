internal import CProviumWire
import Glibc

/// Finds frames in a stream of bytes that may begin anywhere. Bytes that are not part of a frame are skipped.
struct LinkParser {
  /// Frames in a row with a valid header and a wrong payload sum. A guest that sends more wants the host to
  /// compute sums without end.
  private static let toleratedFalseFrames = 256
  private var falseFrames = 0

  /// Removes the next frame from `raw`; nil when more bytes are needed.
  mutating func next(in raw: ByteQueue) throws -> LinkFrame? {
    while true {
      guard Self.skipToMagic(raw), raw.count >= LinkFrame.headerSize, let base = raw.bytes.baseAddress else {
        return nil
      }
      var header = pv_link_header()
      memcpy(&header, base, LinkFrame.headerSize)
      guard pv_link_header_valid(&header) != 0, let type = LinkFrameType(rawValue: header.type) else {
        raw.consume(1)
        continue
      }
      let length = Int(header.length)
      if raw.count - LinkFrame.headerSize < length { return nil }
      let payload = UnsafeRawBufferPointer(start: base + LinkFrame.headerSize, count: length)
      guard pv_link_check(base + LinkFrame.headerSize, length) == header.payload_check else {
        falseFrames += 1
        if falseFrames > Self.toleratedFalseFrames {
          throw TransportFailure.violation("link frames with wrong sums")
        }
        raw.consume(1)
        continue
      }
      falseFrames = 0
      // The queue keeps the memory until its next change, so the payload stays readable.
      let frame = LinkFrame(type: type, channel: header.channel, payload: payload)
      raw.consumeKeepingMemory(LinkFrame.headerSize + length)
      return frame
    }
  }

  /// Drops bytes that cannot begin a frame; false when none are left.
  private static func skipToMagic(_ raw: ByteQueue) -> Bool {
    let bytes = raw.bytes
    guard let base = bytes.baseAddress, !bytes.isEmpty else { return false }
    let first = Int32(PV_LINK_MAGIC & 0xFF)
    guard let found = memchr(base, first, bytes.count) else {
      raw.consume(bytes.count)
      return false
    }
    raw.consume(UnsafeRawPointer(found) - base)
    return true
  }
}
