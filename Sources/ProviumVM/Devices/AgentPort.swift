/// The virtio-serial ports of the agent, by the names of their devices.
package enum AgentPort: String, Sendable {
  case main = "port-main"
  case control = "port-control"

  /// The process that has it open.
  var owner: String {
    switch self {
    case .main: "the guest's agent"
    case .control: "the control process of the guest's agent"
    }
  }
}
