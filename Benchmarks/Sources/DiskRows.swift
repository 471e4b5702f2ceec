import Glibc
import ProviumAgentClient
import ProviumSystem
import ProviumVM

/// A disk that Provium provides against QEMU's own driver for raw images, turn by turn in one VM.
struct DiskRows {
  let host: MachineHost
  let folder: String
  let rounds: Int

  private static let size = 64 << 20

  private func limit() -> Deadline { .after(.seconds(120)) }

  func rows() throws -> [Row] {
    let image = "\(folder)/raw.img"
    try Files.write([UInt8](repeating: 1, count: Self.size), to: image)
    var configuration = MachineConfiguration(disks: [.image(image)])
    var served = ServedDisk(id: "served", size: UInt64(Self.size))
    served.image = image
    configuration.devices = [served]
    let machine = try VirtualMachine.boot(configuration, name: "bench", on: host, until: limit())
    defer { machine.kill() }
    return try [
      row(machine, "sequential reads of 1 MiB", "of=/dev/null bs=1M count=64 iflag=direct if="),
      row(machine, "sequential writes of 1 MiB", "if=/dev/zero bs=1M count=64 oflag=direct conv=notrunc of="),
      row(machine, "direct reads of 4 KiB", "of=/dev/null bs=4k count=2000 iflag=direct if="),
      row(machine, "direct writes of 4 KiB", "if=/dev/zero bs=4k count=2000 oflag=direct conv=notrunc of="),
    ]
  }

  private func row(_ machine: VirtualMachine, _ name: String, _ arguments: String) throws -> Row {
    var ours = Sample(), theirs = Sample()
    for _ in 0..<rounds {
      theirs.add(try time(machine, "dd \(arguments)/dev/vda"))
      ours.add(try time(machine, "dd \(arguments)/dev/vdb"))
    }
    return Row(
      name: "\(name) of a disk with an id",
      figure: text(seconds: ours.median),
      baseline: "\(text(seconds: theirs.median)) QEMU's driver for the same raw image",
      value: theirs.median / ours.median,
      unit: "×",
      promise: .atLeast(0.8)
    )
  }

  /// Seconds of one command in the guest.
  private func time(_ machine: VirtualMachine, _ command: String) throws -> Double {
    let begin = Deadline.now
    let result = try machine.connection.exec(ByteString(Array("\(command) 2>/dev/null".utf8)), until: limit())
    guard result.status.isSuccess else { throw SystemError("run in the guest", command, Errno(EIO)) }
    return Double(Deadline.now - begin) / 1e9
  }
}
