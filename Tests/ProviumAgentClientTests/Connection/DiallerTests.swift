import Glibc
import ProviumSystem
import Testing

@testable import ProviumAgentClient

@Suite("A connection to the agent", .timeLimit(.minutes(5))) struct DiallerTests {
  @Test(
    "is made again when the guest's driver cuts it, with and without a word to the host",
    arguments: [true, false]
  )
  func cut(says: Bool) throws {
    let guest = try ListeningGuest(.main)
    let thread = try onThread("guest") {
      let first = guest.accept()
      if says { first.end() }
      let second = guest.accept()
      second.send([1, 2, 3])
      _ = second.receiveMessage()
      first.end()
    }
    let inbox = ByteQueue(capacity: 4096)
    let alarm = try EventDescriptor()
    do {
      let dialler = Dialler(peer: .main, alarm: alarm, liveness: nil, patience: .milliseconds(50))
      _ = try dialler.dialAnswering(
        .sockets(prefix: guest.prefix, secret: .random()),
        into: inbox,
        until: .soon
      )
    }
    thread.join()
    #expect(Array(inbox.bytes) == [1, 2, 3])
  }
}
