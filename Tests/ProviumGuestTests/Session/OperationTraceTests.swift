import Testing

@testable import ProviumGuest

@Suite("The record of operations") struct OperationTraceTests {
  @Test("keeps the last sixteen, oldest first") func ring() {
    var trace = OperationTrace()
    for number in 0..<40 {
      let place = trace.begin("op", [.integer(Int64(number))])
      trace.finish(place, .integer(0), .milliseconds(1))
    }
    #expect(trace.records.map(\.description) == (24..<40).map { "op(\($0)) = 0 <1.0ms>" })
  }

  @Test("shortens data and escapes what cannot be printed") func long() {
    var trace = OperationTrace()
    _ = trace.begin("write", [.integer(3), .text([UInt8](repeating: 0x61, count: 4000)), .integer(4000)])
    _ = trace.begin("write", [.text([0, 0x22, 0x0A, 0xFF])])
    #expect(
      trace.records[0].description
        == "write(3, \"\(String(repeating: "a", count: 32))\"...(4000 bytes), 4000) <unfinished>"
    )
    #expect(trace.records[1].description == #"write("\0\"\n\xff") <unfinished>"#)
  }

  @Test("names errors, and shows addresses as such") func results() {
    func text(_ result: Int64) -> String { OperationRecord.Outcome.systemCall(result).description }
    #expect(
      text(-2) == "-ENOENT" && text(0) == "0" && text(3) == "3" && text(0x7F00_0000_1000) == "0x7f0000001000"
    )
    #expect(text(-4096) == "-4096")
  }
}
