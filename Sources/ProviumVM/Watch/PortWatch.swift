import ProviumSystem

/// Follows QEMU's events about the agent's ports: the guest's end is closed when no process in the guest has it open, also
/// after the agent was killed. A serial port has no end of file, so without the event only a time limit would tell.
struct PortWatch {
  private var closed: (port: AgentPort, deadline: Deadline)?
  /// A guest that powers off or panics closes its ports too. The reason is known a moment later.
  private static let patience = Duration.milliseconds(500)

  /// The time from which `takeLost` can return a port.
  var deadline: Deadline { closed?.deadline ?? .never }

  /// Takes an event `VSERPORT_CHANGE` (qapi/char.json): `id` of the device, and whether the guest has it `open`.
  mutating func note(_ event: QMPEvent, isAgentUp: Bool) {
    guard event.name == "VSERPORT_CHANGE",
      let port = event.data["id"]?.string.flatMap(AgentPort.init(rawValue:))
    else { return }
    if event.data["open"]?.bool == false {
      if isAgentUp, closed == nil { closed = (port, .after(Self.patience)) }
    } else if closed?.port == port {
      closed = nil
    }
  }

  /// Returns the port that stays closed, once.
  mutating func takeLost() -> AgentPort? {
    guard let port = closed?.port, deadline.isExpired else { return nil }
    closed = nil
    return port
  }
}
