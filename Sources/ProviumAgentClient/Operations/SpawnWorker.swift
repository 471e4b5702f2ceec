internal import CProviumWire
import ProviumSystem

extension AgentConnection {
  /// Starts a worker. The caller connects to it.
  func spawnWorker(_ kind: WorkerKind, until deadline: Deadline) throws -> WorkerStartedReply {
    try perform("spawn", [.word(kind.word)]) { exchange in
      let message = try Request.spawnWorker(kind)
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
  static func spawnWorker(_ kind: WorkerKind) throws -> EncodedMessage {
    let writer = MessageWriter(.spawnWorker)
    writer.integer(kind.wireValue)
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

extension WorkerKind {
  /// The number in SPAWN_WORKER and STATE_RESULT.
  var wireValue: UInt32 {
    let flag =
      switch self {
      case .process: PV_SPAWN_FORK
      case .thread: PV_SPAWN_THREAD
      case .shared: PV_SPAWN_SHARED
      }
    return UInt32(flag.rawValue)
  }

  /// Decodes the number of STATE_RESULT; nil for an unknown one.
  init?(wireValue: UInt8) {
    guard let kind = WorkerKind.allCases.first(where: { $0.wireValue == UInt32(wireValue) }) else {
      return nil
    }
    self = kind
  }
}
