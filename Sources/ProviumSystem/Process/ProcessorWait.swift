import Glibc

/// Measures how long processes could not run because no processor was free.
package enum ProcessorWait {
  /// Returns the nanoseconds that the thread of a process that waited longest has waited for a processor
  /// since it started; nil when there is no such process, or the kernel does not count (CONFIG_SCHED_INFO).
  ///
  /// The second number of /proc/PID/task/TID/schedstat (Documentation/scheduler/sched-stats.rst). QEMU's
  /// threads other than its virtual processors mostly sleep, so the longest wait is that of a virtual
  /// processor.
  package static func longest(ofProcess pid: Int32) -> UInt64? {
    let folder = "/proc/\(pid)/task"
    return ((try? Files.list(folder)) ?? []).compactMap { thread -> UInt64? in
      guard let text = try? Files.readText("\(folder)/\(thread)/schedstat") else { return nil }
      let fields = text.split(separator: " ")
      return fields.count >= 2 ? UInt64(fields[1]) : nil
    }.max()
  }

  /// Returns the nanoseconds that a hypervisor below this host took from one of its processors since its
  /// boot, on average over the processors: the steal time of /proc/stat (proc_stat(5)).
  package static var stolen: UInt64 {
    guard let text = try? Files.readText("/proc/stat"), let line = text.split(separator: "\n").first else {
      return 0
    }
    let fields = line.split(separator: " ")
    guard fields.count > 8, fields[0] == "cpu", let ticks = UInt64(fields[8]) else { return 0 }
    let processors = text.split(separator: "\n").count { $0.hasPrefix("cpu") } - 1
    let perSecond = UInt64(max(1, sysconf(Int32(_SC_CLK_TCK))))
    return ticks / UInt64(max(1, processors)) * (1_000_000_000 / perSecond)
  }
}
