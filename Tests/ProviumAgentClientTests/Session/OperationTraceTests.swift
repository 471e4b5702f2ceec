import ProviumArchitecture
import Testing

@testable import ProviumAgentClient

@Suite("The record of operations") struct OperationTraceTests {
  @Test("keeps the last sixteen, oldest first") func ring() {
    var trace = OperationTrace()
    for number in 0..<40 {
      let operation = trace.begin(OperationRecord("op", [.integer(Int64(number))]))
      trace.finish(operation, .integer(0), .milliseconds(1))
    }
    #expect(trace.records.map(\.description) == (24..<40).map { "op(\($0)) = 0 <1.0ms>" })
  }

  @Test("shortens data and escapes what cannot be printed") func long() {
    var trace = OperationTrace()
    let long = [UInt8](repeating: 0x61, count: 4000)
    _ = trace.begin(OperationRecord("write", [.integer(3), .text(long), .integer(4000)]))
    _ = trace.begin(OperationRecord("write", [.text([0, 0x22, 0x0A, 0xFF])]))
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
    #expect(text(-4096) == "-4096" && text(-100) == "-ENETDOWN")
    let pipe = OperationRecord.Argument.written([[0, 0, 0, 0]], [[3, 0, 4, 0]], outputs: [[0x68, 0x69]])
    #expect("\(OperationRecord.Outcome.systemCall(0, written: pipe))" == #"0 => "\x03\0\x04\0", "hi""#)
    #expect(OperationRecord.Argument.written([[1, 2]], [[1, 2]]).isEmpty)
    let zeros = [UInt8](repeating: 0, count: 16), address = [UInt8](repeating: 9, count: 8)
    let pointed = OperationRecord.Argument.written(
      [zeros],
      [[1, 0, 0, 0] + address + [0, 0, 0, 0]],
      addresses: [0: [4]]
    )
    #expect(pointed.map(\.description) == [#""\x01\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0""#])
  }

  @Test("says AT_FDCWD only of a directory, and decodes an ioctl's command") func arguments() {
    let arguments: [OperationRecord.Argument] = [.integer(-100), .directory(-100), .directory(5)]
    #expect(arguments.map(\.description) == ["-100", "AT_FDCWD", "5"])
    #expect(DirectoryArguments.positions("symlinkat") == [1] && DirectoryArguments.positions("shmat").isEmpty)
    #expect(
      DirectoryArguments.positions("fstat").isEmpty && DirectoryArguments.positions("renameat2") == [0, 2]
    )
    func text(_ command: UInt32) -> String { OperationRecord.Argument.command(command).description }
    #expect(text(0x541B) == "0x541b" && text(0x8004_5430) == "_IOR('T', 0x30, 4)")
    #expect(text(0xC018_5877) == "_IOWR('X', 0x77, 24)" && text(0x4008_1272) == "_IOW(0x12, 0x72, 8)")
  }

  @Test("marks where a test began, if something was before it") func marks() {
    var trace = OperationTrace()
    func run(_ names: String...) {
      for name in names { trace.finish(trace.begin(OperationRecord(name, [])), .nothing, .zero) }
    }
    func lines() -> [String] { trace.lines.map { String($0.split(separator: "(")[0]) } }
    trace.mark("- nothing")
    #expect(trace.lines.isEmpty)
    run("a", "b")
    trace.mark("- replaced")
    trace.mark("- second")
    run("c")
    trace.mark("- third")
    #expect(lines() == ["a", "b", "- second", "c", "- third"])
    for _ in 0..<OperationTrace.capacity { run("d") }
    #expect(lines() == [String](repeating: "d", count: OperationTrace.capacity))
  }

  @Test("does not keep what was refused before it was sent, nor loses another for it") func withdrawn() {
    var trace = OperationTrace()
    for number in 0..<20 { _ = trace.begin(OperationRecord("op\(number)", [])) }
    trace.withdraw(19)
    #expect(trace.records.map(\.name) == (3..<19).map { "op\($0)" })
    #expect(
      OperationRecord("getpid", [], actor: "worker 2").description == "[worker 2] getpid() <unfinished>"
    )
  }
}
