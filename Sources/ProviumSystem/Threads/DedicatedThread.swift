internal import CLinux
import Glibc
import Synchronization

/// A thread outside the cooperative pool. It may block.
package final class DedicatedThread: Sendable {
  private struct State {
    var handle: pthread_t?
    var joined = false
  }
  private let state = Mutex(State())

  /// Starts a thread named `name` (15 bytes are kept by the kernel) that runs `body` once.
  /// - Parameter stackSize: bytes; Lua and Swift recursion both live there.
  package init(name: String, stackSize: Int = 8 << 20, _ body: @escaping @Sendable () -> Void) throws {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    defer { pthread_attr_destroy(&attributes) }
    pthread_attr_setstacksize(&attributes, stackSize)
    let box = Unmanaged.passRetained(Body(name: name, run: body))
    var handle = pthread_t()
    let failed = pthread_create(
      &handle,
      &attributes,
      { argument in
        guard let argument else { return nil }
        let body = Unmanaged<Body>.fromOpaque(argument).takeRetainedValue()
        clinux_thread_name(body.name)
        body.run()
        return nil
      },
      box.toOpaque()
    )
    guard failed == 0 else {
      box.release()
      throw SystemError("start the thread", name, Errno(failed))
    }
    let started = handle
    state.withLock { $0.handle = started }
  }

  /// Blocks until the thread has ended. Idempotent. Must not be called from the thread itself.
  package func join() {
    let handle = state.withLock { state -> pthread_t? in
      guard !state.joined else { return nil }
      state.joined = true
      return state.handle
    }
    if let handle { pthread_join(handle, nil) }
  }

  deinit {
    let state = state.withLock { $0 }
    if !state.joined, let handle = state.handle { pthread_detach(handle) }
  }

  private final class Body: Sendable {
    let name: String
    let run: @Sendable () -> Void
    init(name: String, run: @escaping @Sendable () -> Void) {
      self.name = name
      self.run = run
    }
  }
}
