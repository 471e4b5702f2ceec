/// A worker in the guest: a second process or thread of the agent, with credentials of its own.
package final class GuestWorker: Sendable {
  /// 1 to 32. The number is used again when the worker has ended.
  package let number: UInt32
  package let kind: WorkerKind
  package let connection: AgentConnection

  /// The id of its kernel thread.
  package var pid: Int32 { connection.pid }

  init(number: UInt32, kind: WorkerKind, connection: AgentConnection) {
    self.number = number
    self.kind = kind
    self.connection = connection
  }
}
