import ProviumAgentClient
import ProviumArchitecture
import ProviumSystem

/// Time namespaces of workers: see time_namespaces(7).
extension Machine {
  /// Moves a worker, and the commands that it will start, into a new time namespace.
  /// - Parameter offset: how far the worker's monotonic and boot-time clocks are ahead of the guest's.
  func enterTimeNamespace(_ worker: Worker, offset: Duration) throws {
    let (seconds, attoseconds) = offset.components
    let value = "\(seconds) \(attoseconds / 1_000_000_000)"
    let newTime = Int64(0x80)  // CLONE_NEWTIME of linux/sched.h
    _ = try call("unshare", [newTime], on: worker)
    let offsets = Array("monotonic \(value)\nboottime \(value)\n".utf8)
    try perform("time offsets", on: worker, allowance: .zero) {
      try $0.writeFile(ByteString("/proc/self/timens_offsets"), offsets, until: $1)
    }
    // unshare concerns children only: setns also moves the worker itself.
    let path = CallBuffer(argument: 1, bytes: Array("/proc/self/ns/time_for_children\0".utf8))
    let atWorkingDirectory: Int64 = -100  // AT_FDCWD of linux/fcntl.h
    let namespace = try call("openat", [atWorkingDirectory, 0, 0, 0], [path], on: worker)
    _ = try call("setns", [namespace, newTime], on: worker)
    _ = try call("close", [namespace], on: worker)
  }

  private func call(
    _ name: String,
    _ arguments: [Int64],
    _ buffers: [CallBuffer] = [],
    on worker: Worker
  ) throws -> Int64 {
    guard let number = SyscallName.number(name, architecture) else {
      throw ProviumError(.refused, "\(name): the guest's architecture has no such call")
    }
    let call = SystemCall(number: number, arguments: arguments, buffers: buffers)
    let result = try perform(name, on: worker, allowance: .zero) {
      try $0.syscall(call, name: name, until: $1)
    }
    if let errno = result.errno {
      throw ProviumError(
        .refused,
        "time_offset: \(name): the guest's kernel refuses a time namespace (CONFIG_TIME_NS): \(errno)"
      )
    }
    return result.value
  }
}
