internal import CProviumWire
import Glibc

/// What a link frame is for.
enum LinkFrameType: UInt8 {
  case data = 1, hello, helloAcknowledged, open, close
}

/// A frame as it came; its payload is valid until the next change of the queue it lies in.
struct LinkFrame {
  let type: LinkFrameType
  let channel: UInt16
  let payload: UnsafeRawBufferPointer

  /// Bytes of payload in one frame.
  static let maxPayload = Int(PV_LINK_MAX_PAYLOAD)
  static let headerSize = Int(PV_LINK_HEADER_SIZE)
  /// Zeros before a HELLO: a whole frame, for which a reader that was cut off may be waiting.
  static let paddingSize = Int(PV_LINK_PADDING)

  /// Writes the 20 bytes that go before `payload`.
  static func writeHeader(
    _ type: LinkFrameType,
    channel: UInt16,
    payload: UnsafeRawBufferPointer,
    to target: UnsafeMutableRawPointer
  ) {
    var header = pv_link_header()
    pv_link_header_make(
      &header,
      type.rawValue,
      channel,
      payload.baseAddress ?? UnsafeRawPointer(target),
      UInt32(payload.count)
    )
    memcpy(target, &header, headerSize)
  }

  /// A whole small frame.
  static func bytes(_ type: LinkFrameType, channel: UInt16 = 0, payload: [UInt8] = []) -> [UInt8] {
    payload.withUnsafeBytes { payload in
      [UInt8](unsafeUninitializedCapacity: headerSize + payload.count) { space, count in
        guard let base = space.baseAddress.map({ UnsafeMutableRawPointer($0) }) else { return }
        writeHeader(type, channel: channel, payload: payload, to: base)
        if let source = payload.baseAddress { memcpy(base + headerSize, source, payload.count) }
        count = headerSize + payload.count
      }
    }
  }
}

/// Finds frames in a stream of bytes that may begin anywhere. What is no frame is skipped.
struct LinkParser {
  /// Headers in a row that could be believed while their payload could not: more is somebody who wants us to add up
  /// sums for ever.
  private static let toleratedFalseFrames = 256
  private var falseFrames = 0

  /// The next frame, taken out of `raw`; nil when more bytes are needed.
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
      // Whatever runs empty is not freed before it is filled again, so the payload stays readable.
      let frame = LinkFrame(type: type, channel: header.channel, payload: payload)
      raw.consumeKeepingMemory(LinkFrame.headerSize + length)
      return frame
    }
  }

  /// Drops what cannot be a frame's beginning; false when nothing is left.
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
