import ProviumSystem
import Testing

@Suite("A tool of the host") struct ToolRunTests {
  @Test("a tool that prints more than a pipe holds is written to and read at once") func bigOutput() throws {
    let input = [UInt8](repeating: 65, count: 1 << 20)
    let run = try ToolRun.run("cat", [], input: input)
    #expect(run.output == input)
  }

  @Test("a tool that is not installed is named in the error") func missing() {
    let error = #expect(throws: ToolRun.Failure.self) { try ToolRun.run("no-such-tool", []) }
    #expect(error?.description == "no-such-tool is not installed (looked for it in PATH)")
  }

  @Test("the error of a failed tool quotes its standard error") func failing() {
    let error = #expect(throws: ToolRun.Failure.self) {
      try ToolRun.run("sh", ["-c", "echo why >&2; exit 3"])
    }
    #expect(error?.description == "sh failed (exit code 3): why")
  }

  @Test("a tool that does not end in time is killed") func hanging() {
    let error = #expect(throws: ToolRun.Failure.self) {
      try ToolRun.run("sleep", ["100"], deadline: .after(.milliseconds(50)))
    }
    #expect(error?.description.contains("did not finish in time") == true)
  }
}
