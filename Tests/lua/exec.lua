-- Commands: results, limits, environment, and what a child that keeps the pipes does to them.
local vm = provium.create():boot()

test("gives output, errors and exit code apart", function()
  local r = vm:exec("echo out; echo err >&2; exit 3")
  assert_eq("out\n", r.stdout)
  assert_eq("err\n", r.stderr)
  assert_eq(3, r.exit_code)
  assert_eq(false, r.ok)
end)

test("reports the signal that killed the command", function()
  local r = vm:exec("kill -SEGV $$")
  assert_eq(11, r.signal)
  assert_eq(139, r.exit_code)
end)

test("runs with an environment, a directory and standard input", function()
  local r = vm:exec('echo "$GREETING from $(pwd)"; cat', {
    env = { GREETING = "hello" }, cwd = "/tmp", stdin = "line\0two",
  })
  assert_eq("hello from /tmp\nline\0two", r.stdout)
end)

test("ends the whole process group when time is up", function()
  local r = vm:exec("sleep 1000 & sleep 1000", { timeout = "200ms" })
  assert_eq(true, r.timed_out)
  assert_eq(false, r.ok)
  vm:wait_until(function() return vm:exec("pidof sleep").exit_code == 1 end, { timeout = 2, interval = 0.05 })
end)

test("returns when the command exits, though a child keeps its output", function()
  local r = vm:exec("sleep 3 & echo started", { timeout = "2s" })
  assert_eq("started\n", r.stdout)
  assert(r.ok)
  assert_eq("sleep", r.held_by.name)
  assert(r.held_by.pid > 1)
  vm:exec("killall sleep")
end)

test("gives a megabyte of output whole", function()
  local r = vm:exec("head -c 1048576 /dev/zero | tr '\\0' x")
  assert_eq(1048576, #r.stdout)
end)

test("a command that is not there is the shell's 127", function()
  local r = vm:exec("no-such-command")
  assert_eq(127, r.exit_code)
  assert_contains(r.stderr, "not found")
end)

test("output can be asked in many ways", function()
  local r = vm:exec("printf ' one\\ntwo \\n'")
  assert_eq("one\ntwo", r.stdout.trim())
  assert_eq(2, #r.stdout:lines())
  assert(r.stdout.contains("two") and r.stdout:starts_with(" one") and r.stdout.ends_with("\n"))
  assert_eq("> one", (">" .. r.stdout):sub(1, 5))
  assert_eq(10, #r.stdout)
end)

test("json is parsed, null and empty arrays included", function()
  local value = vm:json([[echo '{"a":[1,2.5,"x"],"none":null,"empty":[],"big":9007199254740993}']])
  assert_eq(1, value.a[1])
  assert_eq(2.5, value.a[2])
  assert_eq(provium.null, value.none)
  assert_eq(0, #value.empty)
  assert_eq(9007199254740993, value.big)
  local odd = vm:json([[echo '[1, 1.0, 18446744073709551615]']])
  assert_eq({"integer", "float", -1}, {math.type(odd[1]), math.type(odd[2]), odd[3]})
  assert_error(function() vm:json("echo '{\"a\":'") end, "JSON")
  assert_error(
    function() vm:json([[printf '{ }\n  [1,]']]) end,
    'is not JSON: something follows the value at line 2, column 3: "  [1,]"'
  )
  assert_error(function() vm:json("exit 4") end, "4")
end)

test("wait_until says what was not met, and when it gave up", function()
  assert_error(function()
    vm:wait_until(function() return false end, { timeout = 0.2, interval = 0.05, desc = "the moon" })
  end, "the moon not met within 0.2 s")
end)
