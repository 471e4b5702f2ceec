import Glibc
import ProviumVM
import ProviumRuntime
import ProviumSystem

/// Figures of Provium as ratios against baselines measured in the same run. `Scripts/bench` builds and calls it:
///
///     provium-bench PROVIUM BARE-PROGRAM FLOOD-PROGRAM [--quick] [--PART]
@main
enum Bench {
  /// The parts that can be measured alone.
  enum Part: String, CaseIterable {
    case boots, channel, commands, snapshots, disks, shares, networks, failures, suites, fresh, files
  }

  /// The programs that are measured, and the baselines.
  struct Programs {
    let provium: String
    /// `bare.c`, compiled.
    let bare: String
    /// `flood.c`, compiled.
    let flood: String
  }

  static func main() throws {
    let arguments = Array(CommandLine.arguments.dropFirst())
    let options = ["--quick"] + Part.allCases.map { "--\($0)" }
    let parts = Part.allCases.filter { arguments.contains("--\($0)") }
    guard arguments.count >= 3, arguments.dropFirst(3).allSatisfy(options.contains), parts.count <= 1 else {
      print("usage: Scripts/bench [--quick] [\(Part.allCases.map { "--\($0)" }.joined(separator: " | "))]")
      exit(2)
    }
    let rows: [Row]
    do {
      rows = try measure(
        Programs(provium: arguments[0], bare: arguments[1], flood: arguments[2]),
        rounds: arguments.contains("--quick") ? 3 : 7,
        only: parts.first
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

  /// - Parameter part: nil: all.
  private static func measure(_ programs: Programs, rounds: Int, only part: Part?) throws -> [Row] {
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
    let machineRows = MachineRows(host: host, bareProgram: programs.bare, folder: folder, rounds: rounds)
    func snapshots(coldBoot: Double) throws -> [Row] {
      try SnapshotRows(
        host: host,
        bareProgram: programs.bare,
        folder: folder,
        rounds: rounds,
        coldBoot: coldBoot
      ).rows()
    }
    func rows(_ part: Part) throws -> [Row] {
      switch part {
      case .boots: [try machineRows.boots().row]
      case .channel: try machineRows.channelRows()
      case .commands:
        try CommandRows(
          provium: programs.provium,
          folder: folder,
          coldBoot: try machineRows.boots().coldBoot
        ).rows()
      case .snapshots: try snapshots(coldBoot: try machineRows.coldBoot())
      case .disks: try DiskRows(host: host, folder: folder, rounds: rounds).rows()
      case .shares: try ShareRows(host: host, folder: folder, rounds: rounds).rows()
      case .networks: try NetworkRows(host: host, flood: programs.flood, rounds: rounds).rows()
      case .failures:
        try FailureRows(provium: programs.provium, host: host, folder: folder, rounds: rounds).rows()
      case .suites:
        try SuiteRows(
          host: host,
          commands: CommandRows(provium: programs.provium, folder: folder, coldBoot: 0),
          folder: folder,
          rounds: rounds
        ).rows()
      case .fresh:
        try FreshRows(
          commands: CommandRows(provium: programs.provium, folder: folder, coldBoot: 0),
          host: host,
          bareProgram: programs.bare,
          folder: folder,
          rounds: rounds
        ).rows()
      case .files:
        try FileRows(
          commands: CommandRows(provium: programs.provium, folder: folder, coldBoot: 0),
          folder: folder,
          count: rounds > 3 ? 1000 : 200
        ).rows()
      }
    }
    if let part { return try rows(part) }
    let boots = try machineRows.boots()
    let channel = try machineRows.channelRows()
    let parts = try Part.allCases.filter { ![.boots, .channel, .commands, .snapshots].contains($0) }.flatMap(
      rows
    )
    let commands = CommandRows(provium: programs.provium, folder: folder, coldBoot: boots.coldBoot)
    return try [boots.row] + channel + snapshots(coldBoot: boots.coldBoot) + parts + commands.rows()
  }
}
