import Foundation
import ProviumSystem
import Testing

/// Sixty files of every kind, run in every mode. A file's name says what must become of it.
@Suite(
  "A suite of sixty mixed files",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .serialized
)
struct MixedSuiteTests {
  private static let pool: (memory: UInt64, cpus: Int) = (1536 << 20, 4)

  private func makeSuite() throws -> Project {
    var files = [
      "provium.toml": "[provium]\ntests = [\"tests\"]\ncache = \"cache\"\n",
      "tests/fixtures/small.lua": "provium.create():boot{ memory = '128M' }\n",
    ]
    func add(_ kind: String, _ count: Int, _ text: String) {
      for number in 1...count { files["tests/\(kind)-\(number).lua"] = text }
    }
    add("pass-quick", 30, "for i = 1, 5 do test('t' .. i, function() assert_eq(i, i) end) end\n")
    add(
      "pass-fixture",
      12,
      "local vm = provium.fixture('small')\ntest('exec', function() assert(vm:exec('true').ok) end)\n"
    )
    add("pass-slow", 2, "test('slow', function() os.execute('sleep 2') end)\n")
    // More than half of the pool each: one after the other.
    add(
      "pass-greedy",
      3,
      "local vm = provium.create():boot{ memory = '800M' }\ntest('x', function() vm:exec('true') end)\n"
    )
    // Each holds a machine and wants another; claimed together, no two of them wait for each other.
    add(
      "pass-pair",
      3,
      "provium.claim{ memory = '1G', cpus = 2 }\nprovium.create():boot{ memory = '512M' }\nprovium.create():boot{ memory = '512M' }\n"
    )
    add("fail-assertion", 4, "test('good', function() end)\ntest('bad', function() assert_eq(1, 2) end)\n")
    add(
      "fail-panic",
      2,
      "local vm = provium.fixture('small')\nvm:exec('echo c > /proc/sysrq-trigger; sleep 100')\n"
    )
    add("fail-hang", 2, "test('hang', { timeout = '200ms' }, function() while true do end end)\n")
    add("fail-syntax", 1, "test('x', function()\n")
    add("fail-impossible", 1, "provium.create():boot{ memory = '900G' }\n")
    return try Project(files)
  }

  private func events(_ arguments: [String], in project: Project) throws -> [[String: Any]] {
    let path = "\(project.path)/events.json"
    try? FileManager.default.removeItem(atPath: path)
    let command = try Command(
      arguments: ["test", "--json", path] + arguments,
      in: project.path,
      seconds: 300
    )
    #expect(command.status == .exited(1), "\(command.text.suffix(4000))")
    return try EventFile(path).events
  }

  @Test(
    "has the same verdicts in every mode; the pool is never over its budget, and all of it comes back",
    arguments: [
      ["-p", "1"], ["-p", "2"], ["--mem", "1536M", "--cpus", "4"], ["-p", "4", "--shuffle", "--seed", "7"],
    ]
  )
  func modes(arguments: [String]) throws {
    let project = try makeSuite()
    var started: [String] = []
    var verdicts: [String: String] = [:]
    var pool = PoolReplay()
    var machines: Set<Int> = []
    var isEnded = false
    for event in try events(arguments, in: project) {
      let file = event["file"] as? String ?? ""
      #expect(!isEnded, "an event after the end of the run")
      try pool.add(event)
      switch event["event"] as? String {
      case "file_started": started.append(file)
      case "file_ended":
        let tests = event["tests"] as? [[String: Any]] ?? []
        let outcomes = ([event] + tests).compactMap { $0["outcome"] as? String }
        #expect(
          verdicts.updateValue(outcomes.contains("failed") ? "fail" : "pass", forKey: file) == nil,
          "\(file) ended twice"
        )
      case "machine_started": machines.insert(try #require(event["machine"] as? Int))
      case "machine_ended": #expect(machines.remove(try #require(event["machine"] as? Int)) != nil)
      case "run_ended": isEnded = true
      default: break
      }
    }
    #expect(isEnded)
    #expect(verdicts.count == 60)
    for (file, verdict) in verdicts {
      #expect(file.hasPrefix(verdict), "\(file): \(verdict)")
    }
    #expect(Set(started).count == 60 && started.count == 60)
    if arguments == ["-p", "1"] { #expect(started == started.sorted()) }
    #expect(pool.claims.isEmpty, "not given back: \(pool.claims)")
    #expect(machines.isEmpty, "not ended: \(machines)")
    #expect(pool.peak.memory > 0 && pool.warmVMs > 0)
    if arguments.contains("--mem") {
      let peak = pool.peak
      #expect(peak.memory <= Self.pool.memory && peak.cpus <= Self.pool.cpus, "the pool gave out \(peak)")
    }
  }
}
