/// A command that runs in the background of the guest; decoded from JOB_STARTED: `job u32, pid i32`.
package struct GuestJob: Hashable, Sendable {
  /// The number of the job within its agent or worker.
  package let id: UInt32
  /// The pid of the shell, which leads the process group of the job.
  package let pid: Int32

  package init(id: UInt32, pid: Int32) {
    self.id = id
    self.pid = pid
  }

  init(_ payload: UnsafeRawBufferPointer) throws {
    var reader = MessageReader(payload)
    id = try reader.integer()
    pid = try reader.integer()
    try reader.finish()
  }
}
