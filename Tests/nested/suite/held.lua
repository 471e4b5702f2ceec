-- A VM that is busy for a while: Scripts/test-nested attacks it meanwhile, as another user of the host. Slow, so that only the
-- attack runs it.
local vsock = dofile("vsock.lua")

test("an operation is whole while others connect", { slow = true }, function()
  local vm = vsock.boot()
  local r = vm:exec("sleep 15; echo whole; exit 7")
  assert_eq("whole\n", r.stdout)
  assert_eq(7, r.exit_code)
  assert_eq(nil, r.signal)
  local worker = vm:spawn()
  assert_eq("whole\n", worker:exec("sleep 10; echo whole").stdout)
  worker:kill()
end)
