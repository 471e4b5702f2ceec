import Glibc
import ProviumAgentClient
import ProviumSystem
import ProviumVM

/// A folder of the host against an ext4 disk with the same contents, turn by turn in one VM, with cold caches; and a VM whose root is
/// the host's.
struct ShareRows {
  let host: MachineHost
  let folder: String
  let rounds: Int

  private func limit() -> Deadline { .after(.seconds(300)) }

  func rows() throws -> [Row] {
    try folderRows() + rootRows()
  }

  // MARK: A folder

  private func folderRows() throws -> [Row] {
    let contents = "\(folder)/contents"
    let image = "\(folder)/contents.ext4"
    try run(
      "mkdir -p \(contents)/many && head -c 100000000 /dev/urandom > \(contents)/large && cd \(contents)/many && "
        + "for d in $(seq 100); do mkdir $d; for f in $(seq 100); do echo $d $f > $d/$f; done; done && "
        + "PATH=$PATH:/sbin:/usr/sbin mke2fs -q -t ext4 -d \(contents) -N 20000 \(image) 300M"
    )
    var configuration = MachineConfiguration(disks: [.image(image)])
    configuration.shares = [SharedFolder(contents, at: "/share")]
    let machine = try VirtualMachine.boot(configuration, name: "bench", on: host, until: limit())
    defer { machine.kill() }
    _ = try time(machine, "modprobe ext4; mkdir /disk && mount -o ro /dev/vda /disk")
    return try [
      row(machine, "100 MB of a share, cold", "cat AT/large > /dev/null", .atLeast(0.8), ratio: { $0 / $1 }),
      row(
        machine,
        "`find` over 10,000 files of a share",
        "find AT/many > /dev/null",
        .atMost(1.2),
        ratio: { $1 / $0 }
      ),
      row(
        machine,
        "10,000 small files of a share",
        "cat AT/many/*/* > /dev/null",
        .atMost(1.3),
        ratio: { $1 / $0 }
      ),
    ]
  }

  private func row(
    _ machine: VirtualMachine,
    _ name: String,
    _ command: String,
    _ promise: Row.Promise,
    ratio: (_ disk: Double, _ share: Double) -> Double
  ) throws -> Row {
    var ours = Sample(), theirs = Sample()
    for _ in 0..<rounds {
      for (place, isOurs) in [("/disk", false), ("/share", true)] {
        _ = try time(machine, "sync; echo 3 > /proc/sys/vm/drop_caches")
        let seconds = try time(machine, command.replacingPlace(place))
        if isOurs { ours.add(seconds) } else { theirs.add(seconds) }
      }
    }
    return Row(
      name: name,
      figure: text(seconds: ours.median),
      baseline: "\(text(seconds: theirs.median)) an ext4 disk with the same contents",
      value: ratio(theirs.median, ours.median),
      unit: "×",
      promise: promise
    )
  }

  // MARK: The host as the root

  private func rootRows() throws -> [Row] {
    var plain = Sample(), shared = Sample()
    var programs: [(name: String, command: String, most: Double, sample: Sample)] = [
      ("`bash`", "bash -c true", 0.3, Sample()), ("`python3`", "python3 -c 1", 1, Sample()),
      (
        "`gcc`, compile and link,", "cd /tmp; echo 'int main(){return 0;}' > a.c; gcc a.c -o a && ./a", 3,
        Sample()
      ),
    ]
    for _ in 0..<rounds {
      let begin = Deadline.now
      try VirtualMachine.boot(MachineConfiguration(), name: "bench", on: host, until: limit()).kill()
      plain.add(Double(Deadline.now - begin) / 1e9)
      let next = Deadline.now
      let machine = try VirtualMachine.boot(
        MachineConfiguration(root: "/"),
        name: "bench",
        on: host,
        until: limit()
      )
      defer { machine.kill() }
      shared.add(Double(Deadline.now - next) / 1e9)
      for index in programs.indices { programs[index].sample.add(try time(machine, programs[index].command)) }
    }
    let boot = Row(
      name: "boot with the host's root",
      figure: text(seconds: shared.median),
      baseline: "\(text(seconds: plain.median)) with the built-in userland",
      value: shared.median / plain.median,
      unit: "×",
      promise: .atMost(1.2)
    )
    return [boot]
      + programs.map {
        Row(
          name: "\($0.name) cold on the host's root",
          figure: text(seconds: $0.sample.median),
          baseline: "",
          value: $0.sample.median,
          unit: "s",
          promise: .atMost($0.most)
        )
      }
  }

  // MARK: Commands

  /// Runs a command on this host.
  private func run(_ command: String) throws {
    let child = try ChildProcess(
      executable: "/bin/sh",
      arguments: ["-c", command],
      directory: folder,
      descriptors: [:]
    )
    guard try child.wait(until: limit())?.isSuccess == true else {
      throw SystemError("run", command, Errno(EIO))
    }
  }

  /// Seconds of one command in the guest.
  private func time(_ machine: VirtualMachine, _ command: String) throws -> Double {
    let begin = Deadline.now
    let result = try machine.connection.exec(ByteString(command), until: limit())
    guard result.status.isSuccess else { throw SystemError("run in the guest", command, Errno(EIO)) }
    return Double(Deadline.now - begin) / 1e9
  }
}

extension String {
  /// The command for a mount point instead of `AT`.
  fileprivate func replacingPlace(_ place: String) -> String {
    split(separator: "AT/", omittingEmptySubsequences: false).joined(separator: "\(place)/")
  }
}
