import Synchronization

/// A read-only FUSE server for one folder of the host: requests of a guest's kernel in, replies out. It knows neither the guest nor
/// the way that the bytes take. Thread-safe; requests are carried out one after the other.
///
/// It keeps no file open between two requests. Everything that a guest relies on is in `table`.
package final class ShareServer: Sendable {
  package let settings: ShareSettings
  private let state: Mutex<ShareState>
  /// Its identity is that of the share in a `FolderWatch`.
  private final class Identity: Sendable {}
  private let identity = Identity()

  /// - Parameters:
  ///   - table: of the snapshot that the guest was resumed from.
  ///   - watch: tells of changes on the host; nil: the guest's kernel asks for them each second.
  ///   - sendsAhead: whether `makeAhead` makes messages. `report.read` does not have the files that are sent ahead.
  /// - Throws: `ShareProblem`.
  package init(
    _ settings: ShareSettings,
    table: NodeTable = NodeTable(),
    watch: FolderWatch? = nil,
    sendsAhead: Bool = false
  )
    throws(ShareProblem)
  {
    self.settings = settings
    let folder = try HostFolder(settings)
    // An unpacked archive does not change.
    let isWatched = settings.attributes == nil && folder.reportsChanges
    if isWatched { watch?.open() }
    let watched = WatchedFolders(
      isWatched ? watch : nil,
      share: ObjectIdentifier(identity),
      device: folder.facts.device
    )
    state = Mutex(ShareState(folder: folder, table: table, watched: watched, sendsAhead: sendsAhead))
  }

  /// Carries a request out. `reply` is empty where the kernel expects none.
  package func answer(_ request: FUSERequest, into reply: FUSEReply) {
    state.withLock { $0.answer(request, into: reply) }
  }

  /// Takes the nodes whose attributes the kernel must ask for again. The caller sends a notice for each before the reply, and
  /// as soon as the `FolderWatch` has changes.
  package func takeNotices() -> [UInt64] {
    state.withLock { state in
      state.noticeChanges()
      return state.takeNotices()
    }
  }

  /// Makes a message with answers to requests that may come next. The caller sends it after the reply.
  /// - Returns: false if there is none.
  package func makeAhead(into reply: FUSEReply) -> Bool { state.withLock { $0.makeAhead(into: reply) } }

  /// Whether the answers that were sent ahead must be dropped.
  package var mustDrop: Bool { state.withLock { $0.ahead.mustDrop } }

  /// The same, once. The caller sends `FUSEReply.dropAhead` before the notices and the reply.
  package func takeDrop() -> Bool { state.withLock { $0.ahead.takeDrop() } }

  /// Compares every node with the host, after a resume. Nodes that have changed become notices.
  package func revalidate() { state.withLock { $0.revalidate() } }

  /// Takes the files of `ShareReport.changed` that were not taken before.
  package func takeChanged() -> [[UInt8]] {
    state.withLock { state in
      defer { state.takenChanges = state.report.changed.count }
      return Array(state.report.changed[state.takenChanges...])
    }
  }

  package var table: NodeTable { state.withLock { $0.table } }
  package var report: ShareReport { state.withLock { $0.report } }
}
