internal import CProviumWire
import Glibc
package import ProviumSystem
import Synchronization

/// The connection to the share process of a guest, which carries FUSE messages. It has a thread of its own.
package final class ShareConnection: Sendable {
  /// Carries out one request of a share, and sends what it makes: at most a reply and notices. Runs on the connection's thread.
  package typealias Handler =
    @Sendable (
      _ share: UInt16, _ request: UnsafeRawBufferPointer, _ send: (UnsafeRawBufferPointer) throws -> Void
    )
    throws -> Void

  /// Sends what the guests' kernels must know of the shares. Runs on the connection's thread.
  package typealias Notifier =
    @Sendable (_ send: (_ share: UInt16, UnsafeRawBufferPointer) throws -> Void) throws -> Void

  private let alarm: EventDescriptor
  private let thread = Mutex<DedicatedThread?>(nil)

  /// Starts the connection.
  /// - Parameters:
  ///   - serial: the host's end of the share port; nil: `endpoint` is one of vsock.
  ///   - window: carries long replies; nil: the connection does.
  ///   - liveness: ends the connection with the VM.
  ///   - prepare: called on the connection's thread before the first request.
  ///   - changes: returns a descriptor that is readable when `notifier` has something to send; nil: there is none yet.
  ///   - notifier: called when the connection stands, and when `changes` is readable.
  package init(
    to endpoint: GuestEndpoint,
    serial: consuming Descriptor?,
    window: ShareWindow? = nil,
    liveness: (any Liveness)?,
    prepare: @escaping @Sendable () -> Void = {},
    changes: @escaping @Sendable () -> Int32? = { nil },
    notifier: @escaping Notifier = { _ in },
    handler: @escaping Handler
  ) throws {
    let alarm = try EventDescriptor()
    self.alarm = alarm
    let port: PolledSocket?
    if let serial = consume serial {
      port = try PolledSocket(serial, alarm: alarm, liveness: liveness)
    } else {
      port = nil
    }
    let started = try DedicatedThread(name: "share", stackSize: 512 << 10) {
      prepare()
      let session = ShareSession(
        endpoint: endpoint,
        port: port,
        window: window,
        alarm: alarm,
        liveness: liveness,
        changes: changes,
        notifier: notifier,
        handler: handler
      )
      // It ends with the VM, by `close`, or when the guest breaks the protocol. The guest must see that: its programs get errors
      // in place of replies.
      try? session.run()
      session.port?.shutDown()
    }
    thread.withLock { $0 = started }
  }

  /// Ends the connection, and blocks until the thread has ended. Idempotent.
  package func close() {
    alarm.raise()
    thread.withLock { $0 }?.join()
  }

  deinit { close() }
}

/// The connection on its thread.
private struct ShareSession {
  let endpoint: GuestEndpoint
  let port: PolledSocket?
  let window: ShareWindow?
  let alarm: EventDescriptor
  let liveness: (any Liveness)?
  let changes: @Sendable () -> Int32?
  let notifier: ShareConnection.Notifier
  let handler: ShareConnection.Handler

  /// Bytes that a guest may send while it does not read.
  private static let mostInput = 8 << 20

  /// Blocks until the VM or the connection is ended.
  func run() throws {
    if let port { return try serve(port) }
    let dialler = Dialler(peer: .share, alarm: alarm, liveness: liveness)
    while true {
      do { try serve(dialler.dial(endpoint, until: .never)) } catch TransportFailure.ended {
        // The guest's vsock driver resets connections when it starts, and when it notices a resume, which may be after this
        // connection was made. The guest sends unanswered requests again on the next one.
      }
      try dialler.pause(.milliseconds(5), until: .never)
    }
  }

  private func serve(_ socket: PolledSocket) throws {
    let never = Deadline.never
    let raw = ByteQueue(capacity: 256 << 10)
    try LinkHandshake.perform(socket, raw: raw, until: never)
    var parser = LinkParser()
    if let window {
      let mark = Random.bytes(Int(PV_WINDOW_MARK_SIZE))
      window.mark(mark)
      try send(frame: LinkFrame.bytes(.window, payload: mark), socket, raw)
    }
    func notify() throws { try notifier { try send($1, $0, socket, raw) } }
    try notify()
    while true {
      while let frame = try parser.next(in: raw) {
        if frame.type == .window, frame.payload.count == 4 {
          window?.grant(UInt32(littleEndian: frame.payload.loadUnaligned(as: UInt32.self)))
        }
        guard frame.type == .data else { continue }
        // Input that comes while a reply is sent moves the queue's memory.
        let request = [UInt8](copying: frame.payload)
        let share = frame.channel
        try request.withUnsafeBytes { request in
          try handler(share, request) { try send($0, share, socket, raw) }
        }
      }
      // Asked for each time: a share that is added later may be the first one that is watched. poll(2) ignores -1.
      let isRead = try socket.read(into: raw, wanting: 65536, until: never, orReadable: changes() ?? -1)
      if !isRead { try notify() }
    }
  }

  /// Reads while it sends: the guest may be blocked in a write.
  private func send(
    _ bytes: UnsafeRawBufferPointer,
    _ share: UInt16,
    _ socket: PolledSocket,
    _ raw: ByteQueue
  )
    throws
  {
    if let placed = window?.place(bytes) {
      return try send(frame: LinkFrame.bytes(.placed, channel: share, payload: placed), socket, raw)
    }
    try LinkFraming.each([bytes], channel: share, framesPerBatch: 32) { vectors in
      while !vectors.isEmpty {
        try socket.writeSome(&vectors, until: .never, keepingInput: raw)
        if raw.count > Self.mostInput { throw TransportFailure.violation("requests without reading replies") }
      }
    }
  }

  private func send(frame: [UInt8], _ socket: PolledSocket, _ raw: ByteQueue) throws {
    try frame.withUnsafeBytes { bytes in
      var vectors = IOVectors([bytes])
      while !vectors.isEmpty { try socket.writeSome(&vectors, until: .never, keepingInput: raw) }
    }
  }
}
