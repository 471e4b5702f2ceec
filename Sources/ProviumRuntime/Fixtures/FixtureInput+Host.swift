import ProviumBoot
import ProviumVM

extension MachineConfiguration {
  /// The host files whose contents the guest can read, by their contents at this moment: inputs of a fixture.
  func hostFiles(digests: DigestCache) throws -> [FixtureInput] {
    try hostInputs().map { input in
      FixtureInput(
        kind: .file,
        name: input.role,
        location: input.path,
        value: try digests.digest(input.path)
      )
    }
  }
}
