import ProviumJSON
import ProviumSystem
import Testing

@testable import ProviumVM

@Suite("A port that the guest closes") struct PortWatchTests {
  private func change(_ port: String, open: Bool) -> QMPEvent {
    QMPEvent(name: "VSERPORT_CHANGE", data: .object(["id": .string(port), "open": .bool(open)]))
  }

  @Test("is the end of the agent, a moment later") func closed() {
    var ports = PortWatch()
    ports.note(change("port-control", open: false), isAgentUp: true)
    #expect(ports.deadline != .never && ports.takeLost() == nil)
    #expect(ports.deadline.remaining < .seconds(1))
    while !ports.deadline.isExpired {}
    #expect(ports.takeLost() == .control)
    #expect(ports.takeLost() == nil && ports.deadline == .never)
  }

  @Test("while the guest boots, or that it opens again, is nothing") func reopened() {
    var ports = PortWatch()
    ports.note(change("port-main", open: false), isAgentUp: false)
    #expect(ports.deadline == .never)
    ports.note(change("port-main", open: false), isAgentUp: true)
    ports.note(change("port-control", open: true), isAgentUp: true)
    #expect(ports.deadline != .never)
    ports.note(change("port-main", open: true), isAgentUp: true)
    #expect(ports.deadline == .never)
    ports.note(change("console", open: false), isAgentUp: true)
    #expect(ports.deadline == .never)
  }
}
