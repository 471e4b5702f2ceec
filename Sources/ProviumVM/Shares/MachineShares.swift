import ProviumAgentClient
package import ProviumShare
import ProviumSystem
import Synchronization

/// The folders of the host that one VM shares, and their connection to its guest. Thread-safe.
package final class MachineShares: Sendable {
  /// A share of a running VM.
  package struct Share: Sendable {
    package let device: SharedFolder
    package let server: ShareServer
  }

  private struct State {
    /// In the order of their numbers, which begin at 1.
    var shares: [Share] = []
    var connection: ShareConnection?
    var isStopped = false
  }
  private let state = Mutex(State())
  private let watch = FolderWatch()
  private let sendsAhead: Bool
  /// Of roots that the cache has, so that they stay there.
  private let holds: [RootHold]

  /// The servers of a boot, or with `snapshot` those that continue after a resume.
  /// - Parameter wiring: a VM whose memory becomes that of a fixture gets nothing ahead, because the files that it reads are inputs.
  init(_ devices: [SharedFolder], snapshot: String? = nil, wiring: LaunchWiring) throws {
    if case .sharedFile = wiring.memory { sendsAhead = false } else { sendsAhead = true }
    holds = try devices.compactMap(\.unpacked).map { root in
      guard let hold = RootHold(of: root) else {
        throw ShareProblem("the root \(root) is not in the cache any more")
      }
      return hold
    }
    for (index, device) in devices.enumerated() {
      let table = try snapshot.map { try NodeTable(saved: Files.read("\($0)/\(Self.fileName(index))")) }
      let server = try ShareServer(
        device.settings,
        table: table ?? NodeTable(),
        watch: watch,
        sendsAhead: sendsAhead
      )
      state.withLock { $0.shares.append(Share(device: device, server: server)) }
    }
  }

  /// The name of a share's file in a snapshot.
  static func fileName(_ index: Int) -> String { "share-\(index)" }

  package var all: [Share] { state.withLock { $0.shares } }

  /// Adds a share of a running VM.
  /// - Returns: its number.
  func add(_ device: SharedFolder) throws -> Int {
    let server = try ShareServer(device.settings, watch: watch, sendsAhead: sendsAhead)
    return try state.withLock { state in
      guard state.shares.count < WireLimit.shares else {
        throw ShareProblem(
          "cannot share \(device.folder): a VM has at most \(WireLimit.shares) shares"
        )
      }
      state.shares.append(Share(device: device, server: server))
      return state.shares.count
    }
  }

  /// Removes the last share again, whose mount has failed.
  func removeLast() { state.withLock { _ = $0.shares.removeLast() } }

  /// Connects to the guest, once.
  func connect(_ process: QEMUProcess, isResume: Bool = false) throws {
    try state.withLock { state in
      guard state.connection == nil, !state.isStopped else { return }
      state.connection = try ShareConnection(
        to: process.endpoint,
        serial: process.takeShareSocket(),
        window: process.shareWindow,
        liveness: process.monitor,
        prepare: { [self] in if isResume { for share in all { share.server.revalidate() } } },
        changes: { [watch] in watch.descriptor },
        notifier: notifier(),
        handler: handler()
      )
    }
  }

  private func notifier() -> ShareConnection.Notifier {
    let reply = ReplyBuffer()
    return { [weak self] send in
      for (index, share) in (self?.all ?? []).enumerated() {
        let notices = share.server.takeNotices()
        try Self.send(notices, of: share.server, with: reply.reply) { try send(UInt16(index + 1), $0) }
      }
    }
  }

  private func handler() -> ShareConnection.Handler {
    let reply = ReplyBuffer()
    return { [weak self] number, bytes, send in
      guard let self, let request = FUSERequest(bytes), let server = self.server(number) else { return }
      server.answer(request, into: reply.reply)
      let notices = server.takeNotices()
      if server.mustDrop || !notices.isEmpty {
        // These come first: the reader that gets the reply asks for the attributes again.
        let answer = Array(reply.reply.bytes)
        try Self.send(notices, of: server, with: reply.reply, send)
        if !answer.isEmpty { try answer.withUnsafeBytes(send) }
      } else if !reply.reply.bytes.isEmpty {
        try send(reply.reply.bytes)
      }
      if server.makeAhead(into: reply.reply) { try send(reply.reply.bytes) }
    }
  }

  private static func send(
    _ notices: [UInt64],
    of server: ShareServer,
    with reply: FUSEReply,
    _ send: (UnsafeRawBufferPointer) throws -> Void
  ) throws {
    if server.takeDrop() {
      reply.dropAhead()
      try send(reply.bytes)
    }
    for node in notices {
      reply.notifyAttributesChanged(of: node)
      try send(reply.bytes)
    }
  }

  private func server(_ number: UInt16) -> ShareServer? {
    state.withLock { state in
      state.shares.indices.contains(Int(number) - 1) ? state.shares[Int(number) - 1].server : nil
    }
  }

  /// Ends the connection. No request is carried out afterwards. Idempotent.
  func stop() {
    let connection = state.withLock { state in
      state.isStopped = true
      return state.connection.take()
    }
    connection?.close()
  }

  /// Writes the tables of all shares, after `stop`.
  func save(to folder: String) throws {
    for (index, share) in all.enumerated() {
      try Files.write(share.server.table.saved, to: "\(folder)/\(Self.fileName(index))")
    }
  }
}

/// The buffer for replies. Sendable because only the connection's thread uses it.
private final class ReplyBuffer: @unchecked Sendable {
  let reply = FUSEReply()
}
