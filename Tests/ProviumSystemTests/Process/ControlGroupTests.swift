import ProviumSystem
import Testing

/// A file tree with `proc` and the control groups that a test describes.
private final class Tree {
  let scratch: Scratch

  /// - Parameter files: contents by path.
  init(cgroup: String, mountinfo: String, _ files: [String: String]) throws {
    scratch = try Scratch()
    var all = files
    all["/proc/self/cgroup"] = cgroup
    all["/proc/self/mountinfo"] = mountinfo
    for (path, contents) in all {
      try Files.createDirectories(Files.parent(of: scratch.path + path))
      try Files.write(Array(contents.utf8), to: scratch.path + path)
    }
  }

  var group: ControlGroup { ControlGroup(root: scratch.path) }
}

private let unifiedMount = "30 23 0:26 / /sys/fs/cgroup rw,nosuid - cgroup2 cgroup2 rw,nsdelegate\n"
private let legacyMounts = """
  31 23 0:27 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
  32 23 0:28 / /sys/fs/cgroup/memory rw,relatime shared:10 - cgroup cgroup rw,memory
  33 23 0:29 / /sys/fs/cgroup/unified rw,relatime shared:11 - cgroup2 cgroup2 rw

  """
private let noLimit = "9223372036854771712\n"

@Suite("Control groups") struct ControlGroupTests {
  @Test("version 2: the lowest memory limit up to the root counts, and page cache is free") func unified()
    throws
  {
    let top = "/sys/fs/cgroup/ci.slice", own = "\(top)/job.scope"
    let tree = try Tree(
      cgroup: "0::/ci.slice/job.scope\n",
      mountinfo: unifiedMount,
      [
        "\(own)/memory.max": "max\n", "\(own)/memory.high": "max\n", "\(own)/memory.current": "900\n",
        "\(top)/memory.max": "4000\n", "\(top)/memory.high": "max\n", "\(top)/memory.current": "3500\n",
        "\(top)/memory.stat": "anon 100\ninactive_file 1000\nactive_file 500\nshmem 900\n",
      ]
    )
    #expect(tree.group.memoryLimits == ControlGroup.Memory(total: 4000, available: 2000))
    // A lower limit of the own group, from which the kernel begins to slow the group down.
    try Files.write(Array("1000\n".utf8), to: tree.scratch.path + own + "/memory.high")
    #expect(tree.group.memoryLimits == ControlGroup.Memory(total: 1000, available: 100))
  }

  @Test("version 1: limits are read from the controllers' own mounts, and no limit is a huge number")
  func legacy() throws {
    let memory = "/sys/fs/cgroup/memory"
    let tree = try Tree(
      cgroup: "9:name=systemd:/\n4:memory:/box\n1:cpu,cpuacct:/box\n0::/\n",
      mountinfo: legacyMounts,
      [
        "\(memory)/memory.limit_in_bytes": noLimit, "\(memory)/box/memory.limit_in_bytes": "8000\n",
        "\(memory)/box/memory.usage_in_bytes": "5000\n",
        "\(memory)/box/memory.stat": "inactive_file 1\ntotal_inactive_file 700\ntotal_active_file 300\n",
        "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_quota_us": "-1\n",
        "/sys/fs/cgroup/cpu,cpuacct/cpu.cfs_period_us": "100000\n",
        "/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_quota_us": "250000\n",
        "/sys/fs/cgroup/cpu,cpuacct/box/cpu.cfs_period_us": "100000\n",
      ]
    )
    #expect(tree.group.memoryLimits == ControlGroup.Memory(total: 8000, available: 4000))
    #expect(tree.group.processorLimit == 2.5)
  }

  @Test(
    "a container's own part of the hierarchy is found",
    arguments: [
      // The container's group is mounted, and the process sees the host's path of it.
      ("0::/docker/1/job\n", "/docker/1", ["/sys/fs/cgroup/job", "/sys/fs/cgroup"]),
      // With a name space of its own.
      ("0::/job\n", "/", ["/sys/fs/cgroup/job", "/sys/fs/cgroup"]),
      // A process from outside of the name space.
      ("0::/../other\n", "/", ["/sys/fs/cgroup"]),
    ]
  )
  func container(cgroup: String, root: String, folders: [String]) throws {
    var files: [String: String] = [:]
    for (index, folder) in folders.enumerated() {
      files["\(folder)/memory.max"] = "\(1000 - index * 100)\n"
      files["\(folder)/memory.current"] = "0\n"
      files["\(folder)/cpu.max"] = "\(index == 0 ? "max" : "150000") 100000\n"
    }
    let mount = "30 23 0:26 \(root) /sys/fs/cgroup ro - cgroup2 cgroup rw\n"
    let tree = try Tree(cgroup: cgroup, mountinfo: mount, files)
    let lowest = UInt64(1000 - (folders.count - 1) * 100)
    #expect(tree.group.memoryLimits == ControlGroup.Memory(total: lowest, available: lowest))
    #expect(tree.group.processorLimit == (folders.count == 1 ? nil : 1.5))
  }

  @Test("a group that uses more than its limit has nothing left") func overLimit() throws {
    let tree = try Tree(
      cgroup: "0::/\n",
      mountinfo: unifiedMount,
      ["/sys/fs/cgroup/memory.max": "1000\n", "/sys/fs/cgroup/memory.current": "1500\n"]
    )
    #expect(tree.group.memoryLimits == ControlGroup.Memory(total: 1000, available: 0))
  }

  @Test(
    "without control groups, limits or readable files there is no limit",
    arguments: [
      ("", "", [:]), ("0::/\n", unifiedMount, [:]), ("4:memory:/a\n", "", [:]),
      ("nonsense\n0:\n", "more nonsense - cgroup\n - \n", [:]),
      (
        "0::/\n", unifiedMount,
        ["/sys/fs/cgroup/memory.max": "max\n", "/sys/fs/cgroup/cpu.max": "max 100000\n"]
      ),
      (
        "0::/\n", unifiedMount,
        [
          "/sys/fs/cgroup/memory.max": "-5\n", "/sys/fs/cgroup/cpu.max": "5 0\n",
          "/sys/fs/cgroup/memory.stat": "x\n",
        ]
      ),
    ] as [(String, String, [String: String])]
  )
  func none(cgroup: String, mountinfo: String, files: [String: String]) throws {
    let tree = try Tree(cgroup: cgroup, mountinfo: mountinfo, files)
    #expect(tree.group.memoryLimits == nil)
    #expect(tree.group.processorLimit == nil)
  }

  @Test("the host's facts are never above the limits of this process's own groups") func own() throws {
    let memory = try #require(HostFacts.memory)
    #expect(memory.available <= memory.total && memory.total > 0)
    if let group = ControlGroup.own.memoryLimits { #expect(memory.total <= group.total) }
    if let limit = ControlGroup.own.processorLimit { #expect(Double(HostFacts.processors) < limit + 1) }
  }
}

@Suite("A lack of memory on the host") struct MemoryShortageTests {
  /// Watches a tree, changes a file of it, and returns what is known then.
  private func shortage(_ tree: Tree, changing path: String, to contents: String) throws -> MemoryShortage? {
    let watch = MemoryShortage.Watch(root: tree.scratch.path)
    #expect(watch.shortage == nil)
    try Files.write(Array(contents.utf8), to: tree.scratch.path + path)
    return watch.shortage
  }

  @Test("version 2: a kill in the own group names the group's limit") func unified() throws {
    let own = "/sys/fs/cgroup/job"
    let tree = try Tree(
      cgroup: "0::/job\n",
      mountinfo: unifiedMount,
      [
        "\(own)/memory.events": "low 0\nhigh 0\nmax 4\noom 1\noom_kill 1\noom_group_kill 0\n",
        "\(own)/memory.max": "1073741824\n", "\(own)/memory.current": "0\n", "/proc/vmstat": "oom_kill 5\n",
      ]
    )
    let found = try shortage(tree, changing: "\(own)/memory.events", to: "max 9\noom 2\noom_kill 2\n")
    #expect(found == .group(limit: 1 << 30))
    #expect("\(found.map { "\($0)" } ?? "")".contains("allows 1G:"))
  }

  @Test("version 1: likewise") func legacy() throws {
    let own = "/sys/fs/cgroup/memory/box"
    let tree = try Tree(
      cgroup: "4:memory:/box\n",
      mountinfo: legacyMounts,
      [
        "\(own)/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 0\n",
        "\(own)/memory.limit_in_bytes": noLimit,
      ]
    )
    let found = try shortage(
      tree,
      changing: "\(own)/memory.oom_control",
      to: "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"
    )
    #expect(found == .group(limit: nil))
  }

  @Test("without counts of a group, those of the host are evidence, and other kills are none") func host()
    throws
  {
    let tree = try Tree(cgroup: "", mountinfo: "", ["/proc/vmstat": "pgfault 1\noom_kill 5\n"])
    #expect(try shortage(tree, changing: "/proc/vmstat", to: "pgfault 9\noom_kill 6\n") == .host)
    let quiet = try Tree(cgroup: "", mountinfo: "", ["/proc/vmstat": "pgfault 1\noom_kill 5\n"])
    #expect(try shortage(quiet, changing: "/proc/vmstat", to: "pgfault 9\noom_kill 5\n") == nil)
  }
}
