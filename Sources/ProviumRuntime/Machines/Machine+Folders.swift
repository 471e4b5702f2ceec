import ProviumBoot

extension Machine {
  /// Notes a folder of the host that is copied into the VM, as an input of the fixture that is being built. Does nothing in
  /// other scopes.
  package func notePush(of folder: String) throws {
    guard context.workFolder != nil else { return }
    let digest = try FolderDigest.hex(of: folder, digests: context.services.digests)
    pushedFolders.append(BootImage.Input(name: "pushed folder", path: folder, digest: digest))
  }
}
