import Synchronization

/// A read-only FUSE server for one folder of the host: requests of a guest's kernel in, replies out. It knows neither the guest nor
/// the way that the bytes take. Thread-safe; requests are carried out one after the other.
///
/// It keeps no file open between two requests. Everything that a guest relies on is in `table`.
package final class ShareServer: Sendable {
  package let settings: ShareSettings
  private let state: Mutex<ShareState>

  /// - Parameters:
  ///   - table: of the snapshot that the guest was resumed from.
  /// - Throws: `ShareProblem`.
  package init(_ settings: ShareSettings, table: NodeTable = NodeTable()) throws(ShareProblem) {
    self.settings = settings
    state = Mutex(ShareState(folder: try HostFolder(settings), table: table))
  }

  /// Carries a request out. `reply` is empty where the kernel expects none.
  package func answer(_ request: FUSERequest, into reply: FUSEReply) {
    state.withLock { $0.answer(request, into: reply) }
  }

  /// Takes the nodes whose attributes the kernel must ask for again. The caller sends a notice for each before the reply.
  package func takeNotices() -> [UInt64] { state.withLock { $0.takeNotices() } }

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
