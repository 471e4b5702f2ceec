import ProviumJSON

/// One VM of a run.
package struct MachineDescription: Sendable, Hashable, JSONFlattened {
  /// Unique in the run.
  package var id: Int
  /// The file that uses the VM.
  package var file: String
  package var profile: String
  /// The guest's memory in bytes.
  package var memory: UInt64
  package var cpus: Int
  /// `boot`, `fixture base`, `spare base`, `restore`.
  package var origin: String
  /// The kernel's release; nil until it is known.
  package var kernel: String?

  private enum CodingKeys: String, CodingKey {
    case id = "machine"
    case file, profile, memory, cpus, origin, kernel
  }

  package init(id: Int, file: String, profile: String, memory: UInt64, cpus: Int, origin: String) {
    self.id = id
    self.file = file
    self.profile = profile
    self.memory = memory
    self.cpus = cpus
    self.origin = origin
  }
}
