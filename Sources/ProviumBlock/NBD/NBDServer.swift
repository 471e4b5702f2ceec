import Glibc
package import ProviumSystem
import Synchronization

/// An NBD server for one disk and one client, on a socket that the client has inherited. It has a thread of its own, which
/// ends with the connection.
///
/// Requests are carried out in the order in which they come. Answers that are delayed do not hold later ones back.
package final class NBDServer: Sendable {
  /// Bytes that a socket of a client should hold: a request of 1 MiB and its header pass without a wait for the other process.
  package static let socketBuffer: Int32 = 2 << 20

  package let disk: BlockDisk
  private let socket: Descriptor
  private let thread = Mutex<DedicatedThread?>(nil)

  /// Starts serving.
  package init(_ disk: BlockDisk, on socket: consuming Descriptor) throws {
    self.disk = disk
    self.socket = socket
    let raw = self.socket.raw
    let started = try DedicatedThread(name: "disk", stackSize: 512 << 10) {
      let session = NBDSession(NBDConnection(raw), disk)
      session.run()
      shutdown(raw, Int32(SHUT_RDWR))
    }
    thread.withLock { $0 = started }
  }

  /// Ends the connection, and blocks until the thread has ended. Idempotent.
  package func stop() {
    shutdown(socket.raw, Int32(SHUT_RDWR))
    thread.withLock { $0 }?.join()
  }

  deinit { stop() }
}

/// One client's negotiation and requests. Belongs to the server's thread.
struct NBDSession {
  /// A reply that will be due later.
  private struct Delayed {
    let due: UInt64
    let bytes: [UInt8]
  }

  private let connection: NBDConnection
  private let disk: BlockDisk
  /// Delayed replies take memory, which a client could let grow without end.
  private static let mostDelayed = 1024

  init(_ connection: NBDConnection, _ disk: BlockDisk) {
    self.connection = connection
    self.disk = disk
  }

  /// Serves until the connection ends.
  func run() {
    guard (try? negotiate()) == true else { return }
    try? serve()
  }

  private func negotiate() throws(NBDConnection.Ended) -> Bool {
    try connection.send(NBDNegotiation.greeting)
    var negotiation = NBDNegotiation(export: disk.export)
    while true {
      switch negotiation.take(try connection.read(negotiation.needed)) {
      case .send(let bytes): try connection.send(bytes)
      case .close(let bytes):
        try connection.send(bytes)
        return false
      case .transmit(let bytes):
        try connection.send(bytes)
        return true
      }
    }
  }

  private func serve() throws {
    var delayed: [Delayed] = []
    // One buffer for all replies: a large one would be fetched from the kernel each time.
    var reply = Self.buffer(NBDRequest.replySize + (1 << 20))
    // The same for the data of writes.
    var payload = Self.buffer(1 << 20)
    while true {
      while let first = delayed.min(by: { $0.due < $1.due }) {
        if delayed.count < Self.mostDelayed, connection.waitForBytes(until: first.due) { break }
        try sendDue(&delayed, waitingFor: first.due)
      }
      let request = try NBDRequest(header: try connection.read(NBDRequest.headerSize), export: disk.export)
      switch request.content {
      case .disconnect: return
      case .refused(let errno, let payload):
        if payload > 0 { _ = try connection.read(payload) }
        try answer(request, BlockDisk.Answer(errno: errno), 0, &reply, &delayed)
      case .disk(let content):
        let written = content.operation == .write ? content.count : 0
        if payload.count < written { payload = Self.buffer(written) }
        if written > 0 {
          try payload.withUnsafeMutableBytes {
            try connection.read(into: UnsafeMutableRawBufferPointer(rebasing: $0[..<written]))
          }
        }
        let count = content.operation == .read ? content.count : 0
        if reply.count < NBDRequest.replySize + count {
          reply = Self.buffer(NBDRequest.replySize + count)
        }
        let answer = reply.withUnsafeMutableBytes { bytes in
          let data = UnsafeMutableRawBufferPointer(
            rebasing: bytes[NBDRequest.replySize..<NBDRequest.replySize + count]
          )
          return payload.withUnsafeBytes {
            disk.perform(content, payload: UnsafeRawBufferPointer(rebasing: $0[..<written]), into: data)
          }
        }
        guard let answer else { return }
        try self.answer(request, answer, count, &reply, &delayed)
      }
    }
  }

  /// Bytes with any contents. Most clients use only a part of them: the rest takes no memory.
  private static func buffer(_ count: Int) -> [UInt8] {
    [UInt8](unsafeUninitializedCapacity: count) { $1 = count }
  }

  /// Sends a reply, or keeps it until it is due.
  private func answer(
    _ request: NBDRequest,
    _ answer: BlockDisk.Answer,
    _ count: Int,
    _ reply: inout [UInt8],
    _ delayed: inout [Delayed]
  ) throws {
    // A reply with an error has no data.
    let size = NBDRequest.replySize + (answer.errno == nil ? count : 0)
    try reply.withUnsafeMutableBytes { bytes in
      NBDRequest.fillReply(bytes, cookie: request.cookie, errno: answer.errno)
      let whole = UnsafeRawBufferPointer(rebasing: bytes[..<size])
      if let due = answer.due {
        delayed.append(Delayed(due: due, bytes: Array(whole)))
      } else {
        try connection.send(whole)
      }
    }
  }

  /// Sends the replies that are due, at least one.
  private func sendDue(_ delayed: inout [Delayed], waitingFor due: UInt64) throws {
    var now = Deadline.now
    while now < due {
      usleep(UInt32(min((due - now) / 1000 + 1, 100_000)))
      now = Deadline.now
    }
    for reply in delayed.filter({ $0.due <= now }).sorted(by: { $0.due < $1.due }) {
      try connection.send(reply.bytes)
    }
    delayed.removeAll { $0.due <= now }
  }
}
