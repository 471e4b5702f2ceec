import ProviumSystem
import Testing

/// Programs that do not behave, and trees that cannot be used.
@Suite(
  "Programs of a selftest tree",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .serialized
)
struct HostileProgramTests {
  private static let programs = [
    "reboot.sh": "echo 1..2; echo 'ok 1 before'; reboot -f; sleep 1000",
    "fill.sh":
      "echo 1..2; dd if=/dev/zero of=/tmp/full bs=1M 2>/dev/null && echo 'not ok 1 full' || echo 'ok 1 full'; "
      + "echo x > /tmp/more && cat /tmp/more && echo 'not ok 2 more' || echo 'ok 2 more'",
    "endless.sh": "echo 1..1; yes 'a line that says nothing'",
    "never.sh": "echo 1..1; while :; do :; done",
    "good.sh": "echo 1..1; [ ! -e /tmp/full ] && echo 'ok 1 clean' || echo 'not ok 1 clean'",
  ]

  private func project(_ list: [String]) throws -> Project {
    var files = Dictionary(
      uniqueKeysWithValues: Self.programs.map { ("tree/bad/\($0)", "#!/bin/sh\n\($1)\n") }
    )
    files["tree/kselftest-list.txt"] = list.map { "bad:\($0)\n" }.joined()
    let project = try Project(withCache: files)
    // Programs whose loader, or whose library, is nowhere: names of equal length in a program of this host.
    let loader = "s,/ld-linux,/ld-lynux,g"
    try project.shell(
      "sed '\(loader)' /usr/bin/env > tree/bad/loader; sed 's/libc[.]so/libq.so/g' /usr/bin/env > tree/bad/library; "
        + "chmod 755 tree/bad/*"
    )
    return project
  }

  @Test("that reboot, fill the file system, print or run for ever, or lack a library fail alone, and say why")
  func hostile() throws {
    let list = ["reboot.sh", "fill.sh", "endless.sh", "never.sh", "loader", "library", "good.sh"]
    let project = try project(list)
    let command = try Command(
      arguments: [
        "ksft", "--install", "tree", "--program-timeout", "1s", "--memory", "256M", "-p", "2", "--json",
        "events.json",
      ],
      in: project.path,
      seconds: 300
    )
    #expect(command.exitCode == 1, "\(command.text)")
    #expect(
      try EventFile.outcomes(project) == [
        "endless.sh: failed", "fill.sh / full: passed", "fill.sh / more: passed", "fill.sh: passed",
        "good.sh / clean: passed", "good.sh: passed", "library: failed", "loader: failed", "never.sh: failed",
        "reboot.sh / before: passed", "reboot.sh: failed",
      ],
      "\(command.text)"
    )
    #expect(command.text.contains("reached its time limit of 10.0s"))
    #expect(command.text.contains("/ld-lynux"))
    #expect(command.text.contains("needs its loader /lib"))
    #expect(command.text.contains("libq.so.6"))
    #expect(command.text.contains("rebooted") || command.text.contains("powered itself off"))
  }

  @Test("that do not exist, or were built for another architecture, are refused before a boot") func refused()
    throws
  {
    let project = try project(["good.sh", "foreign"])
    // The header of an ELF program for aarch64 (machine 183).
    try project.shell(
      "{ printf '\\177ELF\\2\\1\\1'; head -c 9 /dev/zero; printf '\\2\\0\\267\\0'; head -c 44 /dev/zero; } > tree/bad/foreign"
    )
    if HostFacts.machine != "aarch64" {
      let foreign = try Command(arguments: ["ksft", "--install", "tree"], in: project.path, seconds: 60)
      #expect(foreign.exitCode == 2, "\(foreign.text)")
      #expect(foreign.text.contains("the programs were built for aarch64 (bad:foreign)"), "\(foreign.text)")
    }
    let unknown = try Command(arguments: ["ksft", "--install", "tree", "bed"], in: project.path, seconds: 60)
    #expect(unknown.exitCode == 2)
    #expect(unknown.text.contains("no collection or program 'bed' (did you mean 'bad'?)"), "\(unknown.text)")
    let missing = try Command(arguments: ["ksft", "--install", "none"], in: project.path, seconds: 60)
    #expect(missing.exitCode == 2)
    #expect(missing.text.contains("no such folder: it must be an install tree"), "\(missing.text)")
  }
}
