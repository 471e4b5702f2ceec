import Glibc
import ProviumSystem

/// A suite of very many short files: whether the cost of a file, and the memory of Provium, grow with their number.
struct FileRows {
  let commands: CommandRows
  let folder: String
  let count: Int

  /// A file that resumes a fixture, and notes the use of its Provium in the file `uses`: a script runs in that process.
  private func script(_ uses: String) -> String {
    """
    local vm = provium.fixture("ready")
    test("a", function() assert_eq(0, vm:exec("i=0; while [ $i -lt 1000 ]; do i=$((i+1)); done").exit_code) end)
    test("b", function() vm:syscall(39) end)
    local uses <close> = io.open("\(uses)", "a")
    local stat <close> = io.open("/proc/self/stat")
    uses:write(stat:read("a"))
    """
  }

  func rows() throws -> [Row] {
    let path = "\(folder)/uses"
    var files = CommandRows.fixture
    for number in 0..<count { files["tests/f\(1000 + number).lua"] = script(path) }
    // Builds the fixture, too.
    _ = try commands.durations("files", files, ["-p", "2", "--filter", "f1000"])
    /// The sum of the files' own times. Alone, a file finds no warm VM: no earlier file used its fixture.
    func sum(of shard: String) throws -> Double {
      let alone = try commands.durations(
        "files",
        files,
        settings: "spares = 0\n",
        ["-p", "1", "--shard", shard]
      )
      return alone.files.values.reduce(0, +)
    }
    // Half before and half after, so that a machine that becomes slower or faster is so to both.
    let before = try sum(of: "1/2")
    try Files.removeTree(path)
    let double = try commands.durations("files", files, ["-p", "2"])
    let uses = try Use.all(in: path)
    let ideal = (before + (try sum(of: "2/2"))) / 2
    guard double.files.count == count, uses.count == count else {
      throw BareMachine.Failure(
        description: "\(double.files.count) of \(count) files have run, \(uses.count) noted their use"
      )
    }
    // The first files load what the others find loaded.
    let (first, last) = (count / 100, count - 1)
    let window = count / 10 - first
    let early = (uses[first + window].seconds - uses[first].seconds) / Double(window)
    let late = (uses[last].seconds - uses[last - window].seconds) / Double(window)
    return [
      Row(
        name: "\(count) short fixture files with `-p 2`",
        figure: text(seconds: double.wall),
        baseline:
          "\(text(seconds: ideal)) half the sum of their own times, one after the other and without warm VMs",
        value: double.wall / ideal,
        unit: "×",
        promise: .atMost(1.1)
      ),
      Row(
        name: "memory of Provium itself after \(count) files",
        figure: "\(number(uses[last].memory / 1_048_576)) MiB",
        baseline: "\(number(uses[first].memory / 1_048_576)) MiB after \(first)",
        value: uses[last].memory / 1_048_576,
        unit: " MiB",
        promise: .atMost(150)
      ),
      Row(
        name: "processor time of Provium itself for the last files of \(count)",
        figure: text(seconds: late),
        baseline:
          "\(text(seconds: early)) for the files from \(first) to \(first + window)",
        value: late / early,
        unit: "×",
        promise: .atMost(1.2)
      ),
    ]
  }

  /// The processor time and the memory of a process up to a moment.
  private struct Use {
    /// Processor time of all its threads, without its children.
    let seconds: Double
    /// Bytes of memory that it holds.
    let memory: Double

    /// Reads lines of `/proc/PID/stat` (proc(5)): utime and stime are the fields 14 and 15, rss is field 24.
    static func all(in path: String) throws -> [Use] {
      try Files.readText(path).split(separator: "\n").compactMap { line in
        // The name of the process, field 2, ends at the last parenthesis.
        guard let name = line.lastIndex(of: ")") else { return nil }
        let fields = line[name...].split(separator: " ")
        guard fields.count > 22, let user = Double(fields[12]), let system = Double(fields[13]),
          let pages = Double(fields[22])
        else { return nil }
        return Use(
          seconds: (user + system) / Double(sysconf(Int32(_SC_CLK_TCK))),
          memory: pages * Double(sysconf(Int32(_SC_PAGESIZE)))
        )
      }
    }
  }
}
