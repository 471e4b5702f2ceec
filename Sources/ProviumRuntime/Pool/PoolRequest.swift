import ProviumSystem

/// What a request asks of the pool.
package struct PoolRequest: Sendable, Hashable {
  /// Bytes the machine is expected to cost: all its memory for a cold boot, its private pages for a resume.
  package var memory: UInt64
  package var cpus: Int
  /// Cold boots are staggered; a resume takes milliseconds and is not.
  package var isColdBoot: Bool

  package init(memory: UInt64, cpus: Int, isColdBoot: Bool) {
    self.memory = memory
    self.cpus = cpus
    self.isColdBoot = isColdBoot
  }

  /// A cold boot of a machine whose resources its file has claimed already: it waits for its turn alone.
  package static let turn = PoolRequest(memory: 0, cpus: 0, isColdBoot: true)

  /// `256M and 1 CPU`.
  var text: String { "\(Quantity.text(bytes: memory)) and \(cpus) CPU\(cpus == 1 ? "" : "s")" }
}
