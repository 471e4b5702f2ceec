import Testing

@testable import ProviumVM

@Suite("What QEMU says") struct QMPMessageTests {
  private func kind(_ line: String) -> String {
    switch QMPMessage(line: Array(line.utf8)) {
    case .greeting: "greeting"
    case .reply: "reply"
    case .failure(let reason): "failure: \(reason)"
    case .event(let event): "event: \(event.name)"
    case nil: "nothing"
    }
  }

  @Test(
    "is told apart",
    arguments: [
      ("{\"QMP\": {\"version\": {}}}", "greeting"), ("{\"return\": {}}", "reply"),
      ("{\"error\": {\"class\": \"X\", \"desc\": \"no\"}}", "failure: no"),
      ("{\"event\": \"STOP\", \"timestamp\": {\"seconds\": 1}}", "event: STOP"),
      ("{\"other\": 1}", "nothing"),
      ("garbage", "nothing"), ("", "nothing"), ("[1,2]", "nothing"),
    ]
  )
  func kinds(line: String, expected: String) { #expect(kind(line) == expected) }
}
