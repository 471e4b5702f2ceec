/// READY, the first message of every connection: `protocol u16, machine u16, pid i32, boot_nonce[16],
/// build_id[16]`.
package struct ReadyReply: Hashable, Sendable {
  package let protocolVersion: UInt16
  /// ELF `e_machine`: 62 x86-64, 183 aarch64, 243 riscv.
  package let machine: UInt16
  package let pid: Int32
  /// Random, the same for all connections of one boot of the guest.
  package let bootNonce: [UInt8]
  package let buildID: [UInt8]

  /// Decodes a READY. Of a message with another protocol version only that version is used.
  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    protocolVersion = try reader.integer()
    guard protocolVersion == WireLimit.protocolVersion else {
      machine = 0
      pid = 0
      bootNonce = []
      buildID = []
      return
    }
    machine = try reader.integer()
    pid = try reader.integer()
    bootNonce = try reader.array(WireLimit.nonceSize)
    buildID = try reader.array(WireLimit.buildIDSize)
    try reader.finish()
  }
}
