import Glibc

/// Waits for changes of files, through `inotify(7)` on their folders. One owner.
///
/// Folders are watched, not files: many editors save by renaming a new file over the old one. A change that
/// another host makes on a network file system is not noticed.
package final class ChangeWatch {
  private static let events = UInt32(
    IN_CREATE | IN_MODIFY | IN_CLOSE_WRITE | IN_ATTRIB | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE
      | IN_DELETE_SELF | IN_MOVE_SELF
  )
  /// A change is complete when nothing has happened for this long: an editor may truncate a file before it
  /// writes it.
  private static let quiet = Duration.milliseconds(50)
  private static let longestChange = Duration.seconds(1)

  private let descriptor: Descriptor

  /// - Throws: `SystemError` if the limit `fs.inotify.max_user_instances` is reached.
  package init() throws {
    let raw = inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
    guard raw >= 0 else {
      throw SystemError("watch files", "(the limit is fs.inotify.max_user_instances)")
    }
    descriptor = Descriptor(owning: raw)
  }

  /// Watches the folders of `paths`; for a folder that does not exist, the nearest one above it. Idempotent:
  /// call it again after each change, because a folder may have been created or replaced.
  /// - Throws: `SystemError` if the limit `fs.inotify.max_user_watches` is reached.
  package func add(_ paths: some Sequence<String>) throws {
    // The target of a symbolic link may change, and the link itself.
    let folders = Set(paths.flatMap { [$0, Files.canonical($0)] }.map(Files.parent))
    for folder in folders { try addNearest(folder) }
  }

  private func addNearest(_ folder: String) throws {
    var folder = folder
    while inotify_add_watch(descriptor.raw, folder.cPath, Self.events | UInt32(IN_ONLYDIR)) < 0 {
      let number = errno
      switch number {
      case ENOENT, ENOTDIR, EACCES, ELOOP:
        guard folder != "/" else { return }
        folder = Files.parent(of: folder)
      case ENOSPC:
        throw SystemError("watch", "\(folder) (the limit is fs.inotify.max_user_watches)", Errno(number))
      default: throw SystemError("watch", folder, Errno(number))
      }
    }
  }

  /// Blocks until something changes in a watched folder and no change has followed for 50 ms.
  /// - Returns: False if `event` was raised.
  package func wait(until event: EventDescriptor) throws -> Bool {
    var interests = [Readiness.Interest.read(descriptor.raw), .read(event.raw)]
    try Readiness.wait(&interests, until: .never)
    if interests[1].isReadable { return false }
    let end = Deadline.after(Self.longestChange)
    repeat {
      discardEvents()
    } while try !end.isExpired
      && Readiness.waitReadable(descriptor.raw, until: .after(Self.quiet))
    return true
  }

  /// Which file an event names does not matter: the caller compares all of its files.
  private func discardEvents() {
    withUnsafeTemporaryAllocation(byteCount: 1 << 16, alignment: 8) { buffer in
      while read(descriptor.raw, buffer.baseAddress, buffer.count) > 0 {}
    }
  }
}
