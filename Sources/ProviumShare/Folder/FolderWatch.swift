import Glibc
import ProviumSystem
import Synchronization

/// Reports changes in folders of the host, through one `inotify(7)`. All shares of a VM have one. Thread-safe.
package final class FolderWatch: Sendable {
  /// A change in a folder, or of the folder itself.
  struct Change: Sendable, Equatable {
    let node: UInt64
    /// The name in the folder; empty for the folder itself.
    let name: [UInt8]
    /// Whether a name came or went.
    let isOfNames: Bool
    /// Whether the folder is watched no longer.
    let isLast: Bool
  }

  /// The changes of one share.
  struct Changes: Sendable, Equatable {
    var list: [Change] = []
    /// Whether changes were lost: any file may have changed.
    var areIncomplete = false

    var isEmpty: Bool { list.isEmpty && !areIncomplete }
  }

  private struct Watched {
    let share: ObjectIdentifier
    let node: UInt64
  }

  private struct State {
    /// Owned; nil before `open`.
    var descriptor: Int32?
    /// By inotify's number. A folder that is mounted at two places has one number and two nodes.
    var watched: [Int32: [Watched]] = [:]
    var changes: [ObjectIdentifier: Changes] = [:]
  }
  private let state = Mutex(State())

  /// The most folders of one VM. The limit of the host is for all programs of a user, and editors need some, too.
  private static let mostFolders = 4096
  private static let events =
    UInt32(IN_ONLYDIR) | UInt32(IN_MODIFY) | UInt32(IN_ATTRIB) | UInt32(IN_CLOSE_WRITE) | names
    | UInt32(IN_DELETE_SELF) | UInt32(IN_MOVE_SELF)
  private static let names =
    UInt32(IN_CREATE) | UInt32(IN_DELETE) | UInt32(IN_MOVED_FROM) | UInt32(IN_MOVED_TO)

  package init() {}
  deinit { if let raw = state.withLock({ $0.descriptor }) { close(raw) } }

  /// Readable when there are changes; nil before the first folder of a share that can be watched, or where the host has no
  /// inotify left.
  package var descriptor: Int32? { state.withLock { $0.descriptor } }

  /// Makes the inotify instance. Without one, no folder is watched.
  func open() {
    state.withLock { state in
      guard state.descriptor == nil else { return }
      let raw = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
      if raw >= 0 { state.descriptor = raw }
    }
  }

  /// Watches a folder from now on.
  /// - Returns: false where the host's limits allow no more.
  func add(_ folder: borrowing Descriptor, as node: UInt64, of share: ObjectIdentifier) -> Bool {
    let path = "/proc/self/fd/\(folder.raw)"
    return state.withLock { state in
      guard let raw = state.descriptor, state.watched.count < Self.mostFolders else { return false }
      let number = inotify_add_watch(raw, path, Self.events)
      guard number >= 0 else { return false }
      state.watched[number, default: []].append(Watched(share: share, node: node))
      return true
    }
  }

  /// Takes the changes of a share since the last call.
  func take(_ share: ObjectIdentifier) -> Changes {
    state.withLock { state in
      read(&state)
      return state.changes.removeValue(forKey: share) ?? Changes()
    }
  }

  private func read(_ state: inout State) {
    guard let raw = state.descriptor else { return }
    withUnsafeTemporaryAllocation(byteCount: 16 << 10, alignment: 8) { space in
      while true {
        let count = Glibc.read(raw, space.baseAddress, space.count)
        if count < 0, errno == EINTR { continue }
        guard count > 0 else { return }
        parse(UnsafeRawBufferPointer(rebasing: space[..<count]), &state)
      }
    }
  }

  /// Parses `struct inotify_event`: four numbers of 32 bits (watch, mask, cookie, length), and a name that is padded with zeros.
  private func parse(_ bytes: UnsafeRawBufferPointer, _ state: inout State) {
    var offset = 0
    while offset + 16 <= bytes.count {
      let number = bytes.loadUnaligned(fromByteOffset: offset, as: Int32.self)
      let mask = bytes.loadUnaligned(fromByteOffset: offset + 4, as: UInt32.self)
      let length = Int(bytes.loadUnaligned(fromByteOffset: offset + 12, as: UInt32.self))
      let name = bytes[min(offset + 16, bytes.count)..<min(offset + 16 + length, bytes.count)].prefix {
        $0 != 0
      }
      offset += 16 + length
      if mask & (UInt32(IN_Q_OVERFLOW) | UInt32(IN_UNMOUNT)) != 0 {
        for share in Set(state.watched.values.joined().map(\.share)) {
          state.changes[share, default: Changes()].areIncomplete = true
        }
      }
      let isLast = mask & UInt32(IN_IGNORED) != 0
      for watched in state.watched[number] ?? [] {
        state.changes[watched.share, default: Changes()].list.append(
          Change(node: watched.node, name: Array(name), isOfNames: mask & Self.names != 0, isLast: isLast)
        )
      }
      if isLast { state.watched[number] = nil }
    }
  }
}
