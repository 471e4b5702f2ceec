internal import CProviumWire
import ProviumSystem

extension AgentConnection {
  /// Starts a worker. The caller connects to it.
  func startWorker(_ kind: WorkerKind, until deadline: Deadline) throws -> WorkerStartedReply {
    try perform("spawn", [.word(kind == .thread ? "thread" : "fork")]) { exchange in
      let message = try Request.startWorker(kind)
      control?.forgetEarlierWorkers()
      let started = try exchange.ask(message, .workerStarted, what: "spawn", until: deadline) {
        try WorkerStartedReply($0)
      }
      return (started, .word("worker \(started.number) (pid \(started.pid))"))
    }
  }
}

extension Request {
  /// Encodes SPAWN_WORKER.
  static func startWorker(_ kind: WorkerKind) throws -> EncodedMessage {
    let writer = MessageWriter(.spawnWorker)
    let flag =
      switch kind {
      case .process: PV_SPAWN_FORK
      case .thread: PV_SPAWN_THREAD
      }
    writer.integer(UInt32(flag.rawValue))
    return try writer.finish()
  }
}

/// WORKER_STARTED: `number u32, pid i32`.
struct WorkerStartedReply {
  let number: UInt32
  let pid: Int32

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    number = try reader.integer()
    pid = try reader.integer()
    try reader.finish()
    guard (1...WireLimit.workers).contains(Int(number)) else { throw MalformedPayload() }
  }
}
