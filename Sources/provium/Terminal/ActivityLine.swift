import ProviumEvents
import Synchronization

/// One line on the terminal that shows the current activity, removed before any output. Thread-safe.
final class ActivityLine: EventSink {
  private let isOver = Mutex(false)

  func receive(_ event: RunEvent, at time: Double) {
    guard case .activity(_, let text) = event else { return }
    isOver.withLock { isOver in if !isOver { Console.write("\r\u{1b}[K\(text) …", to: 2) } }
  }

  /// Removes the line; the terminal is free for other output. Idempotent.
  func end() {
    isOver.withLock { isOver in
      if !isOver { Console.write("\r\u{1b}[K", to: 2) }
      isOver = true
    }
  }

  func finish() { end() }
}
