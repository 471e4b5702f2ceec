import ProviumSystem

/// The end of the guest's kernel log.
struct KernelLogCollector: FailureCollector {
  var title: String { "kernel log" }
  private static let lines = 100

  func collect(from guest: FailedGuest, until deadline: Deadline) throws -> [String] {
    let log = try guest.kernelLog(until: deadline)
    return log.split(whereSeparator: \.isNewline).suffix(Self.lines).map { HarmlessText.line(String($0)) }
  }
}

/// The guest's memory, and the largest caches of its kernel.
struct MemoryCollector: FailureCollector {
  var title: String { "memory" }
  private static let caches = 15

  func collect(from guest: FailedGuest, until deadline: Deadline) throws -> [String] {
    let memory = try guest.read("/proc/meminfo", until: deadline).split(whereSeparator: \.isNewline)
    // Columns of slabinfo(5): name, active objects, objects, bytes of an object.
    let slabs = (try? guest.read("/proc/slabinfo", until: deadline)) ?? ""
    let sizes = slabs.split(whereSeparator: \.isNewline).compactMap {
      line -> (line: String, bytes: UInt64)? in
      let columns = line.split(separator: " ")
      guard columns.count > 3, let count = UInt64(columns[2]), let size = UInt64(columns[3]) else {
        return nil
      }
      let (bytes, isTooLarge) = count.multipliedReportingOverflow(by: size)
      return isTooLarge
        ? nil : ("slab \(columns[0]): \(count) objects, \(Quantity.text(bytes: bytes))", bytes)
    }
    let largest = sizes.sorted { $0.bytes > $1.bytes }.prefix(Self.caches).map(\.line)
    return (memory.map(String.init) + largest).map { HarmlessText.line($0) }
  }
}

/// The guest's processes that run or wait in the kernel, and its programs, each with its kernel stack.
struct TaskCollector: FailureCollector {
  var title: String { "tasks" }
  private static let lines = 400
  /// `stat` is `pid (name) state …`. Sleeping kernel threads, which have no command line, are left out.
  private static let script = """
    for p in /proc/[0-9]*; do
      read -r stat < $p/stat || continue
      rest=${stat##*) }
      case $rest in S*|I*) read -r line < $p/cmdline; [ -n "$line" ] || continue;; esac
      echo "${stat%%)*}) ${rest%% *}"
      while read -r frame; do echo "    $frame"; done < $p/stack
    done 2>/dev/null
    """

  func collect(from guest: FailedGuest, until deadline: Deadline) throws -> [String] {
    try guest.shell(Self.script, until: deadline).split(whereSeparator: \.isNewline).prefix(Self.lines)
      .map { HarmlessText.line(String($0)) }
  }
}

/// The last frames from and to the network devices of the VM.
struct NetworkCollector: FailureCollector {
  var title: String { "network frames" }
  private static let lines = 40

  func collect(from guest: FailedGuest, until deadline: Deadline) throws -> [String] {
    guest.networkFrames(Self.lines)
  }
}
