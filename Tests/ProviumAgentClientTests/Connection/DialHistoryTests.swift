import ProviumSystem
import Testing

@testable import ProviumAgentClient

@Suite("The history of attempts to connect") struct DialHistoryTests {
  @Test("says how many connections were silent or cut, and how the last attempt failed") func summary() {
    let history = DialHistory()
    #expect(history.summary == "")
    history.noteSilence()
    #expect(history.summary == " (1 connection was silent)")
    history.noteSilence()
    history.noteCut()
    history.noteRefusal(Errno(111))
    history.noteRefusal(Errno(110))
    #expect(
      history.summary
        == " (2 connections were silent; 1 connection was cut; 2 attempts to connect failed, the last with ETIMEDOUT)"
    )
  }
}
