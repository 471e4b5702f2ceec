/// The part of the host that VMs may have.
extension HostCapacity {
  /// Bytes left to all other programs of the host: 1.5 GB, or a quarter of a host that has less than 6 GB.
  package var reserve: UInt64 { min(1_500_000_000, total / 4) }
  /// The most memory that a request can get.
  package var ceiling: UInt64 { total - min(reserve, total) }
  /// Virtual processors that may run at once: twice the real ones, since VMs under test mostly wait.
  package var cpuCeiling: Int { processors * 2 }
  /// The most virtual processors that a request can get: eight times the real ones, and at least the 16 of a locking test on
  /// a small host. With more, a guest's own watchdogs take the wait for a real processor for a hang.
  package var cpuLimit: Int { max(16, processors * 8) }
  /// Cold boots that may run at once: one for each processor; one in total while everything waits for the processors or the
  /// disk.
  package var boots: Int { pressure.cpu >= 90 || pressure.io >= 50 ? 1 : max(1, processors) }
}
