import ProviumBoot
import ProviumVM

extension BootRequest {
  /// The host's files that go into the VM, with the digests of their present contents: inputs of a fixture.
  func hostInputs(digests: DigestCache) throws -> [BootImage.Input] {
    var files = image.files.sorted { $0.key < $1.key }.compactMap { guest, file in
      if case .host(let path) = file { ("the injected file \(guest)", path) } else { nil }
    }
    for disk in disks {
      files.append(("disk", disk.path))
      files += try DiskImage(disk.path, format: disk.format).chain.map { ("the backing file of a disk", $0) }
    }
    if let rootfs = image.rootfs { files.append(("the root disk", rootfs)) }
    return try files.map { name, path in
      BootImage.Input(name: name, path: path, digest: try digests.digest(path))
    }
  }
}
