package import ProviumVM

extension NativeMachine {
  /// Mounts a folder of the host in the running guest.
  package func share(_ folder: SharedFolder) throws { try present().share(folder) }
}
