internal import CLinux

extension Descriptor {
  /// Bytes of packets that one end may have on the way: about 500 of 1514 bytes. The kernel caps it at its `wmem_max`.
  private static let packetBuffer: Int32 = 1 << 20

  /// A connected pair of non-blocking Unix sockets that keep the borders of packets (SOCK_SEQPACKET), close-on-exec.
  package static func packetPair() throws -> SocketPair {
    var ends: [Int32] = [-1, -1]
    let failed = clinux_packet_pair(&ends, packetBuffer)
    guard failed == 0 else { throw SystemError("make a pair of packet sockets", "", Errno(-failed)) }
    return SocketPair(ours: Descriptor(owning: ends[0]), theirs: Descriptor(owning: ends[1]))
  }
}
