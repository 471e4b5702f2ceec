/// An event of a frame at a port.
enum FrameEvent: Equatable {
  /// It came from the owner of the port.
  case received
  /// It was handed to the owner of the port.
  case sent
  case dropped(DropCause)

  /// The comment in a capture: `dropped: lost (frame 12)`; nil for a frame that was not dropped.
  /// - Parameter number: of the frame in its direction; nil: not counted.
  func comment(frame number: UInt64?) -> String? {
    guard case .dropped(let cause) = self else { return nil }
    return "dropped: \(cause.rawValue)" + (number.map { " (frame \($0))" } ?? "")
  }
}
