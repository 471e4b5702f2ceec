import ProviumSystem

/// The resources that one VM needs.
package struct PoolRequest: Sendable, Hashable {
  /// Bytes that the VM is expected to cost: all its memory for a cold boot, its private pages for a resume.
  package var memory: UInt64
  package var cpus: Int
  /// Whether the VM boots. The pool limits the boots in flight; a resume takes milliseconds and is not limited.
  package var isColdBoot: Bool

  /// The memory that a resume reserves at first, in bytes: its private pages, not those that it shares with its siblings
  /// through the page cache. Measured: 17 MB when idle, 31 MB after a shell and some work. `MemoryMeter` finds what it
  /// takes beyond this.
  static let resumedMemory: UInt64 = 64 << 20

  package init(memory: UInt64, cpus: Int, isColdBoot: Bool) {
    self.memory = memory
    self.cpus = cpus
    self.isColdBoot = isColdBoot
  }

  /// A boot in flight without resources, for a VM whose file has reserved them already.
  package static let turn = PoolRequest(memory: 0, cpus: 0, isColdBoot: true)

  /// `256M and 1 CPU`.
  var text: String { "\(Quantity.text(bytes: memory)) and \(cpus) CPU\(cpus == 1 ? "" : "s")" }
}
