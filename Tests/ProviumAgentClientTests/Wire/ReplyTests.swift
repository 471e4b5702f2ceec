import Testing

@testable import ProviumAgentClient

/// Decodes bytes that live only during the call, as those of a connection do.
func decode<Reply>(_ bytes: [UInt8], _ body: (UnsafeRawBufferPointer) throws -> Reply) rethrows -> Reply {
  try bytes.withUnsafeBytes { try body($0) }
}

@Suite("A reply's bytes") struct ReplyTests {
  @Test("of READY give version, machine, pid, nonce and build") func ready() throws {
    let reply = try decode(Array(FakePeer.ready(pid: 300).dropFirst(5))) { try ReadyReply($0) }
    #expect(reply.protocolVersion == 1 && reply.machine == 62 && reply.pid == 300)
    #expect(
      reply.bootNonce == [UInt8](repeating: 1, count: 16) && reply.buildID == [UInt8](repeating: 2, count: 16)
    )
  }

  @Test("of another version's READY need nothing but the version") func otherReady() throws {
    #expect(try decode([9, 0, 1]) { try ReadyReply($0) }.protocolVersion == 9)
  }

  @Test("of EXEC_DONE give how it ended, and who holds the output") func execDone() throws {
    let reply = try decode([137, 0, 0, 0, 9, 0, 0, 0, 3, 0, 0, 0, 5, 1, 0, 0] + .text("sleep")) {
      try ExecDoneReply($0)
    }
    #expect(reply.exitCode == 137 && reply.signal == 9 && reply.timedOut && !reply.interrupted)
    #expect(!reply.isStatusUnknown)
    #expect(reply.outputHeldBy == OutputHolder(pid: 261, name: "sleep"))
  }

  @Test("of a system call are exact to 64 bits, with buffers of the lengths that were sent") func call()
    throws
  {
    let reply = try decode(little(Int64.min + 1) + [1, 2, 3]) { try CallReply($0, lengths: [1, 2]) }
    #expect(reply.result == Int64.min + 1)
    #expect(reply.pieces == [[1], [2, 3]])
    #expect(throws: MalformedPayload.self) {
      try decode(little(Int64(0)) + [1]) { try CallReply($0, lengths: [1, 2]) }
    }
    #expect(throws: MalformedPayload.self) {
      try decode(little(Int64(0)) + [1]) { try CallReply($0, lengths: []) }
    }
  }

  @Test("of the others are as the header draws them") func others() throws {
    let job = try decode([1] + little(Int32(-1)) + little(Int32(0)) + little(UInt32(1))) {
      try JobDoneReply($0)
    }
    #expect(job.isRunning && job.exitCode == -1 && job.isTruncated)
    let done = try decode([0] + little(Int32(3)) + little(Int32(0)) + little(UInt32(0))) {
      try JobDoneReply($0)
    }
    #expect(!done.isRunning && done.exitCode == 3 && !done.isTruncated)
    #expect(try decode(little(Int64(-5))) { try DoneReply($0) }.value == -5)
    #expect(try decode([1, 0, 0, 0, 2, 0, 0, 0]) { try GuestJob($0) } == GuestJob(id: 1, pid: 2))
    #expect(try decode([2, 0x41]) { try OutputReply($0).isStandardError })
    #expect(throws: MalformedPayload.self) { try decode([3, 0x41]) { try OutputReply($0) } }
    #expect(throws: MalformedPayload.self) {
      try decode([33, 0, 0, 0, 2, 0, 0, 0]) { try WorkerStartedReply($0) }
    }
    let gone = try decode([1, 0, 0, 0, 57, 0, 0, 0, 11, 0, 0, 0]) { try GoneReply($0) }
    #expect(gone.target == 1 && gone.pid == 57 && gone.waitStatus == 11)
    let entries = try decode([4, 1, 0, 0x61, 8, 2, 0, 0x62, 0xFF]) { try DirectoryEntry.entries($0) }
    #expect(entries.map(\.name) == ["a", ByteString([0x62, 0xFF])])
    let facts = try decode(
      little(UInt32(0o100644)) + little(UInt32(1)) + little(UInt32(2)) + little(UInt32(3))
        + little(UInt64(1 << 40))
        + little(UInt64(5)) + little(UInt64(6)) + little(Int64(-7))
    ) { try FileFacts($0) }
    #expect(facts.size == 1 << 40 && facts.modifiedNanoseconds == -7 && facts.links == 3)
  }

  @Test("of STATE_RESULT list jobs, workers and descriptors") func state() throws {
    let jobs = little(UInt32(1)) + little(UInt32(4)) + little(Int32(40)) + [1]
    let workers = little(UInt32(1)) + little(UInt32(2)) + little(Int32(20)) + [0]
    let state = try decode(
      little(UInt32(0)) + jobs + workers + little(UInt32(2)) + little(Int32(5)) + little(Int32(6))
    ) {
      try GuestState($0)
    }
    #expect(state.jobs == [.init(id: 4, pid: 40, isRunning: true)])
    #expect(state.workers == [.init(number: 2, pid: 20, kind: .fork)])
    #expect(state.descriptors == [5, 6])
  }

  @Test("that promise four billion entries are refused without memory for them") func lyingCount() {
    #expect(throws: MalformedPayload.self) {
      try decode(little(UInt32(0)) + little(UInt32.max) + [0, 0]) { try GuestState($0) }
    }
  }

  @Test("that are random, cut short or too long never end the process", arguments: 0..<16)
  func hostile(_ seed: UInt64) throws {
    var generator = SeededGenerator(seed)
    let decoders: [(UnsafeRawBufferPointer) throws -> Void] = [
      { _ = try ReadyReply($0) }, { _ = try ErrorReply($0) }, { _ = try CallReply($0, lengths: [3, 70, 0]) },
      { _ = try GuestJob($0) }, { _ = try WorkerStartedReply($0) }, { _ = try ResumedReply($0) },
      { _ = try OutputReply($0) }, { _ = try ExecDoneReply($0) }, { _ = try DoneReply($0) },
      { _ = try JobDoneReply($0) }, { _ = try GoneReply($0) }, { _ = try FileFacts($0) },
      { _ = try DirectoryEntry.entries($0) }, { _ = try GuestState($0) },
    ]
    for _ in 0..<1000 {
      var bytes = (0..<Int.random(in: 0...120, using: &generator)).map { _ in
        // Small numbers, zeros and ones make the interesting lengths.
        Bool.random(using: &generator)
          ? UInt8.random(in: 0...255, using: &generator) : [0, 1, 255].randomElement(using: &generator) ?? 0
      }
      if Bool.random(using: &generator), bytes.count > 1 { bytes[0] = 1; bytes[1] = 0 }
      for decoder in decoders { _ = try? decode(bytes, decoder) }
    }
  }
}
