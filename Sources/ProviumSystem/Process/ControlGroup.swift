/// The limits of the control groups that this process is in, from its own group up to the root, for version 1 and 2 of the
/// interface (cgroups(7); Documentation/admin-guide/cgroup-v2.rst and cgroup-v1/memory.rst of the kernel).
///
/// A container usually sees the host's /proc/meminfo, but the kernel ends its processes at the limit of its group.
package struct ControlGroup: Sendable {
  /// The folders of one controller, from the process's own group up to the root that is visible to it.
  private struct Hierarchy: Sendable {
    let isUnified: Bool
    let folders: [String]
  }
  private let memory: Hierarchy?
  private let cpu: Hierarchy?

  /// The groups of this process.
  package static let own = ControlGroup()

  /// - Parameter root: the folder that has `proc` and the mount points; tests pass their own.
  package init(root: String = "") {
    let groups = Self.groups((try? Files.readText("\(root)/proc/self/cgroup")) ?? "")
    let mounts = Self.mounts((try? Files.readText("\(root)/proc/self/mountinfo")) ?? "")
    /// Version 1 takes precedence: a controller is in one hierarchy alone, and systemd mounts an empty version 2 beside.
    func hierarchy(_ controller: String) -> Hierarchy? {
      for name in [controller, ""] {
        guard let group = groups[name],
          let mount = mounts.first(where: { name.isEmpty ? $0.isUnified : $0.controllers.contains(name) })
        else { continue }
        return Hierarchy(isUnified: name.isEmpty, folders: mount.folders(from: group).map { root + $0 })
      }
      return nil
    }
    memory = hierarchy("memory")
    cpu = hierarchy("cpu")
  }

  // MARK: Memory

  /// Memory that the groups allow.
  package struct Memory: Sendable, Hashable {
    /// Bytes: the lowest limit of all groups.
    package var total: UInt64
    /// Bytes that are left below every limit; page cache that the kernel can drop counts as free.
    package var available: UInt64

    package init(total: UInt64, available: UInt64) {
      self.total = total
      self.available = available
    }
  }

  /// The present memory limits; nil where no group has one. Reads some small files.
  package var memoryLimits: Memory? {
    guard let memory else { return nil }
    var lowest: Memory?
    for folder in memory.folders {
      let files = memory.isUnified ? ["memory.max", "memory.high"] : ["memory.limit_in_bytes"]
      guard let limit = files.compactMap({ Self.limit("\(folder)/\($0)") }).min() else { continue }
      let usage =
        Self.number("\(folder)/\(memory.isUnified ? "memory.current" : "memory.usage_in_bytes")") ?? 0
      let cache = Self.droppableCache(folder, isUnified: memory.isUnified)
      let used = usage - min(usage, cache)
      let free = limit - min(limit, used)
      lowest = Memory(
        total: min(limit, lowest?.total ?? .max),
        available: min(free, lowest?.available ?? .max)
      )
    }
    return lowest
  }

  /// The number of processes of this group that the kernel has killed for lack of memory; nil where no group is known, and
  /// with kernels before 4.13. Children of this process are in its group.
  package var outOfMemoryKills: UInt64? {
    guard let memory, let folder = memory.folders.first else { return nil }
    let name = memory.isUnified ? "memory.events" : "memory.oom_control"
    return Self.field("oom_kill", in: "\(folder)/\(name)")
  }

  /// The number of processes of the host that the kernel has killed for lack of memory; nil with kernels before 4.13.
  package static func outOfMemoryKillsOfHost(root: String = "") -> UInt64? {
    field("oom_kill", in: "\(root)/proc/vmstat")
  }

  /// Reads one line `NAME NUMBER`.
  private static func field(_ name: String, in path: String) -> UInt64? {
    guard let text = try? Files.readText(path) else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix(name) {
      let fields = line.split(separator: " ")
      if fields.count == 2, fields[0] == name { return UInt64(fields[1]) }
    }
    return nil
  }

  private static func limit(_ path: String) -> UInt64? {
    // `max`, or in version 1 the largest multiple of the page size in a signed 64-bit number: no limit.
    guard let value = number(path), value < 1 << 62 else { return nil }
    return value
  }

  /// The page cache of a group and its descendants. Shared memory and tmpfs are not part of these figures.
  private static func droppableCache(_ folder: String, isUnified: Bool) -> UInt64 {
    let prefix = isUnified ? "" : "total_"
    let names = Set(["inactive_file", "active_file"].map { prefix + $0 })
    var sum: UInt64 = 0
    for line in ((try? Files.readText("\(folder)/memory.stat")) ?? "").split(separator: "\n") {
      let fields = line.split(separator: " ")
      if fields.count == 2, names.contains(String(fields[0])) { sum &+= UInt64(fields[1]) ?? 0 }
    }
    return sum
  }

  // MARK: Processors

  /// The number of processors whose time the groups allow; nil where no group has a limit.
  package var processorLimit: Double? {
    guard let cpu else { return nil }
    return cpu.folders.compactMap { folder -> Double? in
      let quota: Double
      let period: Double
      if cpu.isUnified {
        // `max 100000`, or `150000 100000`: microseconds of each period.
        let fields = ((try? Files.readText("\(folder)/cpu.max")) ?? "").trimmed.split(separator: " ")
        guard fields.count == 2, let first = Double(fields[0]), let second = Double(fields[1]) else {
          return nil
        }
        (quota, period) = (first, second)
      } else {
        // A quota of -1: no limit.
        guard let first = Self.number("\(folder)/cpu.cfs_quota_us"),
          let second = Self.number("\(folder)/cpu.cfs_period_us")
        else { return nil }
        (quota, period) = (Double(first), Double(second))
      }
      return quota > 0 && period > 0 ? quota / period : nil
    }.min()
  }

  private static func number(_ path: String) -> UInt64? {
    (try? Files.readText(path)).flatMap { UInt64($0.trimmed) }
  }

  // MARK: Finding the groups

  /// The process's group in each hierarchy, by controller; that of version 2 by the empty name.
  ///
  ///     4:memory:/user/work      hierarchy, controllers, path
  ///     0::/user.slice           version 2
  private static func groups(_ text: String) -> [String: String] {
    var groups: [String: String] = [:]
    for line in text.split(separator: "\n") {
      let fields = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard fields.count == 3 else { continue }
      for controller in fields[1].split(separator: ",", omittingEmptySubsequences: false) {
        groups[String(controller)] = String(fields[2])
      }
    }
    return groups
  }

  private struct Mount {
    /// The part of the hierarchy that is mounted: not `/` in a container.
    let root: String
    let point: String
    let isUnified: Bool
    let controllers: [String]

    /// The folders of `group` and the groups above it that this mount shows.
    func folders(from group: String) -> [String] {
      var inside = group
      if root != "/", inside == root || inside.hasPrefix("\(root)/") {
        inside = String(inside.dropFirst(root.utf8.count))
      }
      // A group outside of the mounted part (`/..`): the mount's own folder is the lowest that is visible.
      if inside.contains("/..") { inside = "/" }
      var folders = [point]
      for name in inside.split(separator: "/") { folders.append("\(folders[folders.count - 1])/\(name)") }
      return folders.reversed()
    }
  }

  /// Mounts of control groups, as proc_pid_mountinfo(5) lists them:
  ///
  ///     35 32 0:30 /docker/1 /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
  private static func mounts(_ text: String) -> [Mount] {
    text.split(separator: "\n").compactMap { line in
      let halves = line.split(separator: " - ", maxSplits: 1)
      guard halves.count == 2 else { return nil }
      let before = halves[0].split(separator: " ")
      let after = halves[1].split(separator: " ")
      guard before.count >= 5, after.count >= 3, after[0] == "cgroup" || after[0] == "cgroup2" else {
        return nil
      }
      return Mount(
        root: String(before[3]),
        point: String(before[4]),
        isUnified: after[0] == "cgroup2",
        controllers: after[2].split(separator: ",").map(String.init)
      )
    }
  }
}
