internal import CProviumWire
import Glibc

/// The type of a link frame.
enum LinkFrameType: UInt8 {
  case data = 1, hello, helloAcknowledged, open, close, window, placed
}

/// A received link frame. Its payload is valid until the next change of the queue that contains it.
struct LinkFrame {
  let type: LinkFrameType
  let channel: UInt16
  let payload: UnsafeRawBufferPointer

  /// Bytes of payload in one frame.
  static let maxPayload = Int(PV_LINK_MAX_PAYLOAD)
  static let headerSize = Int(PV_LINK_HEADER_SIZE)
  /// Zeros before a HELLO. A reader whose frame was cut off may be waiting for as many bytes as one frame
  /// has.
  static let paddingSize = Int(PV_LINK_PADDING)

  /// Writes the 20 bytes of the header for `payload`.
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

  /// Returns a whole frame, for small payloads.
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
