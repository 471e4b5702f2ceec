import Foundation
import ProviumSystem
import Testing

@Suite("What provium test remembers") struct RecordedRunTests {
  private let suite: QuickSuite

  init() throws {
    suite = try QuickSuite([
      "a.lua": "test('fine', function() end)\n",
      "net/b.lua": "test('good', function() end)\ntest('bad', function() assert_eq(1, 2) end)\n",
      "z.lua": "test('fine', function() end)\n",
    ])
  }

  @Test("a run of one good test does not make the file good") func partial() throws {
    try suite.test()
    try suite.test("--test", "good")
    #expect(try suite.list("--rerun-failed") == ["net/b.lua"])
    try suite.project.write(
      "test('good', function() end)\ntest('bad', function() end)\n",
      to: "tests/net/b.lua"
    )
    try suite.test("--test", "bad")
    let nothing = try suite.test("--rerun-failed")
    #expect(nothing.status == .exited(2))
    #expect(nothing.errors.contains("no test file failed when it last ran"), "\(nothing.text)")
  }

  @Test(
    "failures are known however the files are named",
    arguments: ["", "tests", "tests/net", "tests/net/b.lua"]
  )
  func anyRoot(path: String) throws {
    try suite.test()
    let paths = path.isEmpty ? [] : [path]
    #expect(try suite.run(["list", "--rerun-failed"] + paths).output.contains("b.lua"))
    let command = try suite.run(["test", "--rerun-failed"] + paths)
    #expect(command.output.contains("FAIL: 0 files passed, 1 failed"), "\(command.text)")
  }

  @Test("failed files go first") func failedFirst() throws {
    #expect(try suite.list("--failed-first") == ["a.lua", "net/b.lua", "z.lua"])
    try suite.test()
    #expect(try suite.list("--failed-first") == ["net/b.lua", "a.lua", "z.lua"])
  }

  @Test("a run that was killed is remembered as far as it came") func killed() throws {
    try suite.project.write("while true do end\n", to: "tests/z.lua")
    try suite.project.shell(
      """
      PROVIUM_QEMU=/no/qemu TMPDIR=$PWD '\(Command.binary)' test -p 1 --json e.json > /dev/null &
      until grep -q '"file_started","file":"z.lua"' e.json 2> /dev/null; do sleep 0.02; done
      kill -9 $!
      wait $! || true
      """
    )
    #expect(try suite.list("--rerun-failed") == ["net/b.lua"])
  }

  @Test(
    "a file that was ended by a signal is not remembered as failed; the exit code is the signal's",
    arguments: [("INT", 130), ("TERM", 143)]
  )
  func interrupted(signal: String, code: Int) throws {
    try suite.project.write("while true do end\n", to: "tests/z.lua")
    let output = try suite.project.shell(
      """
      PROVIUM_QEMU=/no/qemu TMPDIR=$PWD '\(Command.binary)' test -p 1 --json e.json > out 2>&1 &
      until grep -q '"file_started","file":"z.lua"' e.json 2> /dev/null; do sleep 0.02; done
      kill -\(signal) $!
      wait $! || echo "exit $?"
      """
    )
    #expect(output == "exit \(code)\n")
    #expect(try suite.list("--rerun-failed") == ["net/b.lua"])
    #expect(try suite.run(["history", "z.lua"]).status == .exited(2))
  }

  @Test("history shows a test's past results, of this project alone") func history() throws {
    try suite.test()
    try suite.test("--test", "good")
    let lines = try suite.run(["history", "b.lua"]).output.split(separator: "\n")
    #expect(lines.count == 5)
    #expect(lines[1].hasSuffix("tests/net/b.lua  (some of its tests)"))
    #expect(
      lines.contains {
        $0.contains("failed") && $0.contains("b.lua / bad  tests/net/b.lua:2: expected 1, got 2")
      }
    )
    let other = try Project(["provium.toml": "[provium]\ncache = \"\(suite.project.path)/cache\"\n"])
    #expect(try Command("history", "b.lua", in: other.path).status == .exited(2))
  }
}

@Suite("provium test --since") struct SinceTests {
  private let suite: QuickSuite

  init() throws {
    suite = try QuickSuite([
      "helpers/h.lua": "return { x = 1 }\n",
      "uses.lua": "local h = require('helpers.h')\ntest('t', function() assert_eq(1, h.x) end)\n",
      "plain.lua": "test('t', function() dofile('lib/x.lua') end)\n",
      "other.lua": "test('t', function() end)\n",
      "../lib/x.lua": "return 1\n",
    ])
    try suite.project.shell(
      """
      printf 'cache\\nprovium-*\\nevents.json\\n' > .gitignore
      git init -q; git add .; git -c user.name=t -c user.email=t@example.org commit -qm first
      """
    )
  }

  @Test("takes files that change, and those that loaded what changed when they last ran") func changes()
    throws
  {
    try suite.test()
    #expect(try suite.run(["list", "--since", "HEAD"]).status == .exited(2))
    try suite.project.write("test('t', function() end) -- changed\n", to: "tests/other.lua")
    #expect(try suite.list("--since", "HEAD") == ["other.lua"])
    try suite.project.shell("git checkout -q tests/other.lua")
    try suite.project.write("return { x = 1, y = 2 }\n", to: "tests/helpers/h.lua")
    #expect(try suite.list("--since", "HEAD") == ["helpers/h.lua", "uses.lua"])
    try suite.project.shell("git checkout -q tests/helpers/h.lua")
    try suite.project.write("return 2\n", to: "lib/x.lua")
    #expect(try suite.list("--since", "HEAD") == ["plain.lua"])
    try suite.project.shell(
      "git checkout -q .; git rm -q --cached tests/helpers/h.lua; rm tests/helpers/h.lua"
    )
    #expect(try suite.list("--since", "HEAD") == ["uses.lua"])
  }

  @Test("does not trust the record of a script that is another one now") func stale() throws {
    try suite.test()
    try suite.project.write("test('t', function() dofile('lib/x.lua') end)\n", to: "tests/other.lua")
    try suite.project.write("return 2\n", to: "lib/x.lua")
    try suite.project.shell(
      "git -c user.name=t -c user.email=t@example.org commit -qm second tests/other.lua"
    )
    #expect(try suite.list("--since", "HEAD") == ["other.lua", "plain.lua"])
  }

  @Test("takes all files where none is known to have run, when something changed that they may load")
  func unknown()
    throws
  {
    try suite.project.write("return { x = 1, y = 2 }\n", to: "tests/helpers/h.lua")
    #expect(try suite.list("--since", "HEAD") == ["helpers/h.lua", "other.lua", "plain.lua", "uses.lua"])
    try suite.project.shell("git checkout -q .")
    try suite.project.write("test('t', function() end) -- changed\n", to: "tests/other.lua")
    #expect(try suite.list("--since", "HEAD") == ["other.lua"])
  }

  @Test(
    "takes files that use a fixture which changed, or a script that it was made with",
    .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? ""))
  )
  func fixtures() throws {
    let project = try Project(withCache: [
      "tests/uses.lua": "local vm = provium.fixture('small')\ntest('t', function() vm:exec('true') end)\n",
      "tests/other.lua": "test('t', function() end)\n",
      "tests/fixtures/small.lua": "require('lib.setup')\nprovium.create():boot{ memory = '128M' }\n",
      "lib/setup.lua": "return {}\n",
    ])
    try project.shell(
      "echo cache > .gitignore; git init -q; git add .; git -c user.name=t -c user.email=t@example.org commit -qm x"
    )
    let command = try Command("test", in: project.path, seconds: 120)
    #expect(command.status == .exited(0), "\(command.text)")
    for path in ["tests/fixtures/small.lua", "lib/setup.lua"] {
      try project.shell("echo '-- changed' >> \(path)")
      let list = try Command("list", "--since", "HEAD", in: project.path)
      #expect(
        list.output.hasPrefix("uses.lua\n") && !list.output.contains("other.lua"),
        "\(path): \(list.text)"
      )
      try project.shell("git checkout -q .")
    }
  }

  @Test("takes no option for a revision", arguments: ["--output=stolen", "nowhere", "-h"])
  func injection(revision: String) throws {
    let command = try suite.test("--since=\(revision)")
    #expect(command.status == .exited(2))
    #expect(command.errors.contains("--since: '\(revision)' is not a revision of"), "\(command.text)")
    #expect(!Files.exists("\(suite.project.path)/stolen"))
  }
}
