import ProviumBoot
import ProviumSystem

/// A disk of a VM: an image file of the host, as a virtio block device.
public struct Disk: MachineDevice {
  /// The format of an image file.
  public typealias Format = DiskFormat

  package static let kind = "disk"

  /// The host path of the image.
  public var path: String
  /// The format of the image.
  public var format: Format
  /// Whether the guest's writes fail.
  public var isReadOnly: Bool
  /// Whether writes go to a temporary overlay that is removed with the VM. The image does not change.
  public var discardsWrites: Bool

  /// A disk with the contents of an image file.
  /// - Parameters:
  ///   - path: relative to the folder of `provium.toml`, or absolute.
  ///   - format: the format of the image. It is not guessed: a guest could change a raw image to look like
  ///     qcow2.
  ///   - readOnly: whether the guest's writes fail.
  ///   - discardsWrites: whether writes go to a temporary overlay that is removed with the VM.
  public static func image(
    _ path: String,
    format: Format = .raw,
    readOnly: Bool = false,
    discardsWrites: Bool = false
  ) -> Disk {
    Disk(path: path, format: format, isReadOnly: readOnly, discardsWrites: discardsWrites)
  }

  // MARK: MachineDevice

  package var kernelModules: [String] { ["virtio_blk"] }

  /// QEMU's name of the drive with that number.
  static func drive(_ number: Int) -> String { "disk\(number)" }

  package func qemuArguments(_ context: DeviceContext) -> [String] {
    let drive = Self.drive(context.number)
    let file = context.wiring.file(ofDisk: context.number, self)
    return [
      "-drive",
      "if=none,id=\(drive),file=\(QEMUValue.escaped(file.path)),format=\(file.format.rawValue)"
        + (isReadOnly ? ",readonly=on" : "") + (file.discardsWrites ? ",snapshot=on" : "")
        + (file.backing.map { ",backing.file.filename=\(QEMUValue.escaped($0))" } ?? ""),
      "-device", "virtio-blk-pci,drive=\(drive)",
    ]
  }

  package func hostInputs() throws -> [HostInput] {
    let chain = try DiskImage(path, format: format.rawValue).chain
    return [HostInput(role: "disk", path: path)]
      + chain.map { HostInput(role: "the backing file of a disk", path: $0) }
  }
}

extension LaunchWiring {
  /// The file of a disk in this launch.
  package func file(ofDisk number: Int, _ disk: Disk) -> DiskFile {
    if isComparison { return DiskFile(path: "", format: disk.format) }
    return diskFiles[number]
      ?? DiskFile(path: disk.path, format: disk.format, discardsWrites: disk.discardsWrites)
  }
}
