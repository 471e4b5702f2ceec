import Glibc

/// A POSIX semaphore at a fixed address.
final class Semaphore: Sendable {
  // The address is fixed for the object's life and sem_* are thread-safe.
  private nonisolated(unsafe) let handle: UnsafeMutablePointer<sem_t>

  init() {
    handle = .allocate(capacity: 1)
    sem_init(handle, 0, 0)
  }
  deinit {
    sem_destroy(handle)
    handle.deallocate()
  }
  func signal() { sem_post(handle) }
  func wait() { while sem_wait(handle) != 0 {} }
}
