-- Programs that print results: each result is a sub-test of the test that runs the program.
local vm = provium.create():boot()

test("makes each result a sub-test", function()
  local r = vm:ktap([[printf 'TAP version 13\n1..3\nok 1 open\nok 2 read # SKIP no device\nok 3 write # TODO later\n']])
  assert(r.ok)
  assert_eq(0, r.exit_code)
  assert_eq(1, r.passed)
  assert_eq(1, r.skipped)
  assert_eq(1, r.todo)
  assert_eq(0, r.failed)
end)

test("nests as KUnit does", function()
  local r = vm:ktap([[printf 'KTAP version 1\n1..1\n  KTAP version 1\n  # Subtest: list\n  1..2\n  ok 1 add\n  ok 2 move\nok 1 list\n']])
  assert_eq(3, r.passed)
end)

test("takes environment, directory and standard input as exec does", function()
  local r = vm:ktap('read name; echo "1..1"; echo "ok 1 $name in $(pwd) with $KEY"', {
    env = { KEY = "value" }, cwd = "/tmp", stdin = "input\n",
  })
  assert_eq(1, r.passed)
end)

test("reads messages on the standard error as part of the same output", function()
  assert_eq(2, vm:ktap("echo 1..2; echo 'ok 1 a' >&2; echo 'ok 2 b'").passed)
end)

test("counts marks in brackets where there is no KTAP", function()
  assert_eq(2, vm:ktap("echo '[PASS] first'; echo 'second ... [OK]'").passed)
end)

test("takes the exit code for the result where nothing is printed", function()
  local r = vm:ktap("true")
  assert(r.ok)
  assert_eq(0, r.passed)
end)
