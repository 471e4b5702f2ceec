import ProviumImage
import ProviumMachine

extension BootRequest {
  /// What of the host goes into the machine, by its contents at this moment: for the key of a fixture.
  func hostFiles(digests: DigestCache) throws -> [FixtureInput] {
    var files = image.files.sorted { $0.key < $1.key }.compactMap { guest, file in
      if case .host(let path) = file { ("the injected file \(guest)", path) } else { nil }
    }
    files += disks.map { ("disk", $0.path) }
    if let rootfs = image.rootfs { files.append(("the root disk", rootfs)) }
    return try files.map { name, path in
      FixtureInput(kind: .file, name: name, location: path, value: try digests.digest(path))
    }
  }
}
