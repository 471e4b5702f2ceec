/// Accepts every TCP connection to its station, and sends no data. It keeps no state: what a reply needs is in the segment.
package struct TCPAnswerer: Answerer {
  package enum Behaviour: Sendable {
    /// Acknowledges all data, and forgets it.
    case sink
    /// Accepts no data: its window stays closed.
    case stall
  }
  private let behaviour: Behaviour

  package init(_ behaviour: Behaviour) { self.behaviour = behaviour }

  package func replies(to frame: Frame, for station: Station) -> [[UInt8]] {
    guard let tcp = frame.tcp, let ip = frame.ip, station.addresses.contains(ip.destination),
      tcp.flags & TCPHeader.reset == 0
    else { return [] }
    let isOpening = tcp.flags & TCPHeader.syn != 0
    let isEnding = tcp.flags & TCPHeader.fin != 0
    // An acknowledgement alone must not be answered, or both sides would answer without end.
    guard isOpening || isEnding || !frame.payload.isEmpty else { return [] }
    var reply = frame.reply(from: station.mac)
    reply.payload = []
    var header = TCPHeader(source: tcp.destination, destination: tcp.source)
    header.flags = TCPHeader.ack
    // The peer says which byte it expects next; the first one follows from its own number.
    header.sequence = isOpening ? ~tcp.sequence : tcp.acknowledgement
    if isOpening {
      header.flags |= TCPHeader.syn
      header.acknowledgement = tcp.sequence &+ 1
    } else if behaviour == .sink {
      header.acknowledgement =
        tcp.sequence &+ UInt32(truncatingIfNeeded: frame.payload.count) &+ (isEnding ? 1 : 0)
      if isEnding { header.flags |= TCPHeader.fin }
    } else {
      header.acknowledgement = tcp.sequence
    }
    header.window = behaviour == .sink ? 65535 : 0
    reply.tcp = header
    return [reply.encoded]
  }
}
