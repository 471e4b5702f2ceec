-- Snapshots by hand, and a fresh machine for every sub-test.
local vm = provium.fixture("base")

test("a machine goes back to where its snapshot was taken", function()
  vm:write_file("/tmp/state", "before\n")
  local s = vm:snapshot()
  vm:write_file("/tmp/state", "after\n")
  vm:restore(s)
  assert_eq("before\n", vm:read_file("/tmp/state"))
  vm:restore(s)
  assert_eq("before\n", vm:read_file("/tmp/state"))
end)

test("workers come back with it", function()
  local worker = vm:spawn()
  worker:syscall("setresuid", 1000, 1000, 1000)
  local s = vm:snapshot()
  assert_eq(1000, worker:syscall("getuid"))
  worker:exec("true")
  vm:restore(s)
  assert_eq(1000, worker:syscall("getuid"))
  worker:kill()
end)

for i = 1, 3 do
  test("fresh machine " .. i, { fresh = true }, function()
    assert_error(function() vm:read_file("/tmp/dirt") end, "ENOENT")
    vm:write_file("/tmp/dirt", "x")
  end)
end
