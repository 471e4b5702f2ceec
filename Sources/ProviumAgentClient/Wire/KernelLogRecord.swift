/// A record of a guest's kernel log, as `/dev/kmsg` gives it. It comes from the guest: hostile input.
package struct KernelLogRecord: Hashable, Sendable {
  /// The kernel's number of the record. Numbers have no gaps unless records were lost.
  package let sequence: UInt64
  /// Microseconds since the guest's boot.
  package let microseconds: UInt64
  /// Facility × 8 + level, as in `syslog(3)`.
  package let priority: UInt16
  /// Whether the record is a part of a line.
  package let isFragment: Bool
  /// Whether the text was longer than the agent sends.
  package let isTruncated: Bool
  /// The message without a time stamp; any bytes, also newlines.
  package let text: [UInt8]

  /// 0 (emergency) to 7 (debug).
  package var level: Int { Int(priority & 7) }
  /// Whether the kernel itself has logged the record. The kernel gives this facility to no program.
  package var isKernel: Bool { priority >> 3 == 0 }
}

/// Records that have arrived together, in order.
package struct KernelLogBatch: Hashable, Sendable {
  package let records: [KernelLogRecord]
  /// Records that the guest's kernel has overwritten since the last batch, before the agent could read them.
  package let lost: UInt64
}
