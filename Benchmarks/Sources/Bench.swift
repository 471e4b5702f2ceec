import Glibc
import ProviumVM
import ProviumRuntime
import ProviumSystem

/// Figures of Provium as ratios against baselines measured in the same run. `Scripts/bench` builds and calls it:
///
///     provium-bench PROVIUM BARE-PROGRAM [--quick | --channel | --disks | --shares]
@main
enum Bench {
  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    guard arguments.count >= 2 else {
      print("usage: Scripts/bench [--quick | --channel | --disks | --shares]")
      exit(2)
    }
    let rows: [Row]
    do {
      rows = try measure(
        provium: arguments[0],
        bareProgram: arguments[1],
        rounds: arguments.contains("--quick") ? 3 : 7,
        channelAlone: arguments.contains("--channel"),
        disksAlone: arguments.contains("--disks"),
        sharesAlone: arguments.contains("--shares")
      )
    } catch {
      print("bench: \(error)")
      exit(1)
    }
    print(markdown(rows))
    let kept = rows.filter(\.isKept).count
    print("\n\(kept) of \(rows.count) promises kept")
    exit(kept == rows.count ? 0 : 1)
  }

  private static func measure(
    provium: String,
    bareProgram: String,
    rounds: Int,
    channelAlone: Bool,
    disksAlone: Bool,
    sharesAlone: Bool
  ) throws -> [Row] {
    let run = try RunDirectory()
    defer { run.close() }
    let cache = Settings.defaultCache
    let host = MachineHost(
      cache: cache,
      accelerator: AcceleratorProbe.verdict(cache: cache),
      channel: ChannelVerdict(.virtioSerial, reason: "the bare channel's kind"),
      run: run
    )
    // The memory files of snapshots lie where the users' do.
    let folder = "\(cache)/bench-\(getpid())"
    try Files.createDirectories(folder, mode: 0o700)
    defer { try? Files.removeTree(folder) }
    let machineRows = MachineRows(host: host, bareProgram: bareProgram, folder: folder, rounds: rounds)
    let diskRows = DiskRows(host: host, folder: folder, rounds: rounds)
    let shareRows = ShareRows(host: host, folder: folder, rounds: rounds)
    if sharesAlone { return try shareRows.rows() }
    if disksAlone { return try diskRows.rows() }
    if channelAlone { return try machineRows.channelRows() }
    let machines = try machineRows.rows()
    let snapshots = try SnapshotRows(
      host: host,
      bareProgram: bareProgram,
      folder: folder,
      rounds: rounds,
      coldBoot: machines.coldBoot
    ).rows()
    return try machines.rows + snapshots + diskRows.rows() + shareRows.rows()
      + CommandRows(provium: provium, folder: folder, coldBoot: machines.coldBoot).rows()
  }
}
