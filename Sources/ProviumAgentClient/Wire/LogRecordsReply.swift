internal import CProviumWire

/// LOG_RECORDS: `lost u64, token u32, {sequence u64, time_us u64, priority u16, flags u8, length u16, text}`.
struct LogRecordsReply {
  /// Of the barrier that the message completes; 0: none.
  let token: UInt32
  let batch: KernelLogBatch

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    let lost: UInt64 = try reader.integer()
    token = try reader.integer()
    var records: [KernelLogRecord] = []
    while !reader.rest.isEmpty {
      let (sequence, time): (UInt64, UInt64) = (try reader.integer(), try reader.integer())
      let priority: UInt16 = try reader.integer()
      let flags = UInt32(try reader.integer(UInt8.self))
      let length = Int(try reader.integer(UInt16.self))
      records.append(
        KernelLogRecord(
          sequence: sequence,
          microseconds: time,
          priority: priority,
          isFragment: flags & PV_RECORD_FRAGMENT.rawValue != 0,
          isTruncated: flags & PV_RECORD_TRUNCATED.rawValue != 0,
          text: try reader.array(length)
        )
      )
    }
    batch = KernelLogBatch(records: records, lost: lost)
  }
}
