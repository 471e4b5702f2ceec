import ProviumBoot
import ProviumShare
import ProviumSystem
package import ProviumVM

/// Folders of the host in the guest: `boot{share = …}`, `vm:share`.
extension Machine {
  /// Mounts a folder of the host in the running guest.
  /// - Parameter device: its folder may be relative to the folder of `provium.toml`.
  package func share(_ device: SharedFolder) throws {
    let machine = try usable()
    var device = device
    device.folder = Files.resolve(device.folder, against: context.services.configuration.root)
    try guarded("share \(device.path)", on: machine, allowance: .zero) {
      try machine.share(device, until: $0)
    }
  }

  /// - Throws: `ProviumError` for a file of a share that changed on the host while the VM had a part of its old contents.
  func checkShares(of machine: VirtualMachine) throws {
    for share in machine.shares.all {
      guard let first = share.server.takeChanged().first else { continue }
      throw ProviumError(
        .storage,
        "\(Self.place(first, in: share)) changed on the host after \(label) had read a part of it: the guest got an error for "
          + "it (EIO or ESTALE), and gets the new contents from now on"
      )
    }
  }

  /// Notes what a VM that ends has read of its shares, as inputs of a fixture that is being built, and warns of files that could
  /// not be read.
  func noteShares(of machine: VirtualMachine) {
    for share in machine.shares.all {
      let report = share.server.report
      if let first = report.denied.first {
        let more = report.denied.count - 1
        context.services.warnOnce(
          "\(label) wanted \(Self.place(first, in: share))\(more > 0 ? " and \(more) more" : ""), which this user may not read "
            + "(EACCES in the guest)",
          file: nil
        )
      }
      guard context.workFolder != nil else { continue }
      // The files of an archive are those of the archive, which is an input. They must still be in the cache.
      if let attributes = share.device.attributesFile {
        sharedInputs.append(
          BootImage.Input(
            name: "the unpacked root",
            path: attributes,
            digest: (try? context.services.digests.digest(attributes)) ?? ""
          )
        )
        continue
      }
      for (path, facts) in report.read.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
        let file = "\(share.device.folder)/\(PathText.string(of: path))"
        // A file that has changed since it was read gets no digest: the fixture is stale.
        let digest = NodeFacts(of: file) == facts ? try? context.services.digests.digest(file) : nil
        sharedInputs.append(
          BootImage.Input(name: "a file of the share \(share.device.path)", path: file, digest: digest ?? "")
        )
      }
    }
  }

  private static func place(_ path: [UInt8], in share: MachineShares.Share) -> String {
    let folder = share.device.packages == nil ? share.device.folder : "the root of packages"
    return Files.display("\(folder == "/" ? "" : folder)/\(PathText.string(of: path))")
  }
}
