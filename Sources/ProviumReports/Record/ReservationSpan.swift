/// A reservation of the resource pool, from the request to the release.
package struct ReservationSpan: Sendable {
  /// The file that asked; empty for warm VMs.
  package let file: String
  /// In bytes.
  package let memory: UInt64
  package let cpus: Int
  /// In seconds since the run began. So are the times below.
  package let asked: Double
  /// nil while the file waits.
  package internal(set) var granted: Double?
  /// nil while the reservation is held.
  package internal(set) var released: Double?
  /// The times at which the reservation grew, and its bytes from then on.
  package internal(set) var growth: [(time: Double, memory: UInt64)] = []

  init(file: String, memory: UInt64, cpus: Int, asked: Double) {
    self.file = file
    self.memory = memory
    self.cpus = cpus
    self.asked = asked
  }
}
