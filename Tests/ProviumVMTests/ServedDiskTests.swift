import FoundationEssentials
import ProviumArchitecture
import ProviumSystem
import Testing

@testable import ProviumVM

@Suite("Disks that Provium provides, in a configuration") struct ServedDiskTests {
  private func context(_ descriptors: [String: Int32]) -> DeviceContext {
    var wiring = LaunchWiring()
    wiring.descriptors = descriptors
    return DeviceContext(
      platform: Platform(architecture: .x86_64, accelerator: .tcg, channel: .virtioSerial),
      wiring: wiring
    )
  }

  @Test("a disk is an NBD node on an inherited socket, whose errors never stop the VM")
  func arguments() {
    let disk = ServedDisk(id: "data", size: 1 << 20)
    #expect(
      disk.qemuArguments(context(["disk-data": 17])) == [
        "-blockdev",
        #"{"driver":"nbd","node-name":"nbd-data","discard":"unmap","server":{"type":"fd","str":"17"},"#
          + #""export":"","cache":{"direct":false,"no-flush":false}}"#,
        "-device",
        "virtio-blk-pci,drive=nbd-data,id=disk-data,serial=data,logical_block_size=512,physical_block_size=512,"
          + "werror=report,rerror=report,write-cache=on",
      ]
    )
  }

  @Test("the size of a disk is a part of the snapshot's identity, its descriptor is not")
  func identity() {
    let disk = ServedDisk(id: "data", size: 1 << 20)
    #expect(
      disk.snapshotIdentity(context(["disk-data": 17])) == disk.snapshotIdentity(context(["disk-data": 18]))
    )
    let larger = ServedDisk(id: "data", size: 2 << 20)
    #expect(disk.snapshotIdentity(context([:])) != larger.snapshotIdentity(context([:])))
  }

  @Test("a configuration with such a disk is read again as it was written")
  func coding() throws {
    var configuration = MachineConfiguration()
    var disk = ServedDisk(id: "data", size: 1 << 20)
    disk.model = .virtioSCSI
    disk.cache = .none
    configuration.devices = [disk]
    let read = try JSONDecoder().decode(
      MachineConfiguration.self,
      from: try JSONEncoder().encode(configuration)
    )
    #expect(read == configuration)
    #expect(read.servedDisks == [disk])
  }

  @Test("the guest gets the modules that the disk's model needs")
  func modules() {
    var disk = ServedDisk(id: "data", size: 1 << 20)
    #expect(disk.kernelModules == ["virtio_blk"])
    disk.model = .virtioSCSI
    #expect(disk.kernelModules == ["virtio_scsi", "sd_mod"])
    disk.model = .nvme
    #expect(disk.kernelModules == ["nvme"])
  }

  @Test("a disk that no VM can have is refused", arguments: ["", "a b", "ä", "abcdefghijklmnopqrstu", "a,b"])
  func ids(id: String) {
    var configuration = MachineConfiguration()
    configuration.devices = [ServedDisk(id: id, size: 1 << 20)]
    #expect(throws: InvalidConfiguration.self) { try configuration.validate() }
  }

  @Test(
    "a size of 0, and a size with a part of a sector, are refused",
    arguments: [0, 511, 513, 1 << 62] as [UInt64]
  )
  func sizes(size: UInt64) {
    var configuration = MachineConfiguration()
    configuration.devices = [ServedDisk(id: "data", size: size)]
    #expect(throws: InvalidConfiguration.self) { try configuration.validate() }
  }
}
