import ProviumSystem

/// What QEMU tells of the ports: the guest's end is closed when nobody in the guest has it open any more, also when the
/// agent was killed. Without this only a time limit would tell, for a serial port has no end of file.
struct PortWatch {
  private var closed: (port: AgentPort, deadline: Deadline)?
  /// A guest that powers off or panics closes its ports too, and says what it does a moment later.
  private static let patience = Duration.milliseconds(500)

  /// When `takeLost` has something to say.
  var deadline: Deadline { closed?.deadline ?? .never }

  /// Takes in `VSERPORT_CHANGE` (qapi/char.json): `id` of the device, and whether the guest has it `open`.
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

  /// The port that is known to be closed for good; once.
  mutating func takeLost() -> AgentPort? {
    guard let port = closed?.port, deadline.isExpired else { return nil }
    closed = nil
    return port
  }
}
