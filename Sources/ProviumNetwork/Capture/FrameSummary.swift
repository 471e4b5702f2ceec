/// A frame in words.
enum FrameSummary {
  /// `TCP 10.7.0.1:4000 > 10.7.0.2:80 [S], 74 bytes`
  /// - Parameters:
  ///   - bytes: the beginning of the frame.
  ///   - length: of the whole frame.
  static func text(_ bytes: [UInt8], length: Int) -> String {
    // A packet that is shorter than its header says is not decoded.
    let missing = max(0, min(length, FrameSize.largest) - bytes.count)
    let frame = Frame(bytes + Array(repeating: 0, count: missing))
    let size = ", \(length) bytes"
    if let arp = frame.arp {
      return arp.operation == ARPMessage.request
        ? "ARP, who has \(arp.targetIP)? tell \(arp.senderIP)"
        : "ARP, \(arp.senderIP) is at \(arp.senderMAC)"
    }
    guard let ip = frame.ip else {
      return "\(frame.source) > \(frame.destination), type 0x\(String(frame.etherType, radix: 16))\(size)"
    }
    if let tcp = frame.tcp {
      return "TCP \(ip.source):\(tcp.source) > \(ip.destination):\(tcp.destination) [\(flags(tcp))] "
        + "seq \(tcp.sequence) ack \(tcp.acknowledgement)\(size)"
    }
    if let udp = frame.udp {
      return "UDP \(ip.source):\(udp.source) > \(ip.destination):\(udp.destination)\(size)"
    }
    let way = "\(ip.source) > \(ip.destination)"
    if let icmp = frame.icmp { return "ICMP \(way) type \(icmp.type) code \(icmp.code)\(size)" }
    return "IP \(way) protocol \(ip.transport)\(size)"
  }

  private static func flags(_ tcp: TCPHeader) -> String {
    let letters = ["F", "S", "R", "P", "A", "U"]
    return letters.enumerated().filter { tcp.flags >> UInt8($0.offset) & 1 == 1 }.map(\.element).joined()
  }
}
