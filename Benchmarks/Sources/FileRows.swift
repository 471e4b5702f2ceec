import Glibc
import ProviumSystem

/// A suite of very many short files: whether the cost of a file, and the memory of Provium, grow with their number.
struct FileRows {
  let commands: CommandRows
  let folder: String
  let count: Int

  /// A file that resumes a fixture, and notes what its Provium has used: a script runs in that process.
  private static let script = """
    local vm = provium.fixture("ready")
    test("a", function() assert_eq(0, vm:exec("i=0; while [ $i -lt 1000 ]; do i=$((i+1)); done").exit_code) end)
    test("b", function() vm:syscall(39) end)
    local use = io.open(os.getenv("BENCH_USE"), "a")
    use:write(io.open("/proc/self/stat"):read("a"), "\\n")
    use:close()
    """

  func rows() throws -> [Row] {
    var files = CommandRows.fixture
    for number in 0..<count { files["tests/f\(1000 + number).lua"] = Self.script }
    let (before, after) = ("\(folder)/use-alone", "\(folder)/use")
    setenv("BENCH_USE", before, 1)
    // Builds the fixture, too.
    _ = try commands.durations("files", files, ["-p", "2", "--filter", "f1000"])
    /// The sum of the files' own times. Alone, a file finds no warm VM: no earlier file used its fixture.
    func sum(of shard: String) throws -> Double {
      setenv("BENCH_USE", before, 1)
      let options = ["-p", "1", "--shard", shard]
      return try commands.durations("files", files, settings: "spares = 0\n", options).files.values.reduce(
        0,
        +
      )
    }
    // Half before and half after, so that a machine that becomes slower or faster is so to both.
    let half = try sum(of: "1/2")
    setenv("BENCH_USE", after, 1)
    let double = try commands.durations("files", files, ["-p", "2"])
    let ideal = (half + (try sum(of: "2/2"))) / 2
    let uses = try Use.all(in: after)
    guard double.files.count == count, uses.count == count else {
      throw BareMachine.Failure(description: "\(uses.count) of \(count) files have run")
    }
    let step = count / 10
    let early = uses[step].seconds - uses[step / 10].seconds
    let late = uses[count - 1].seconds - uses[count - 1 - (step - step / 10)].seconds
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
        figure: "\(number(uses[count - 1].memory / 1_048_576)) MiB",
        baseline: "\(number(uses[step / 10].memory / 1_048_576)) MiB after \(step / 10)",
        value: uses[count - 1].memory / 1_048_576,
        unit: " MiB",
        promise: .atMost(150)
      ),
      Row(
        name: "processor time of Provium itself for the last files of \(count)",
        figure: text(seconds: late / Double(step - step / 10)),
        baseline:
          "\(text(seconds: early / Double(step - step / 10))) for the files from \(step / 10) to \(step)",
        value: late / early,
        unit: "×",
        promise: .atMost(1.2)
      ),
    ]
  }

  /// What a process has used up to now.
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
