-- A machine that is busy for a while: Scripts/test-nested attacks it meanwhile, as another user of the host.
local vsock = dofile("_vsock.lua")
local vm = vsock.boot()

test("an operation is whole, whoever connects meanwhile", function()
  local r = vm:exec("sleep 15; echo whole; exit 7")
  assert_eq("whole\n", r.stdout)
  assert_eq(7, r.exit_code)
  assert_eq(nil, r.signal)
  local worker = vm:spawn()
  assert_eq("whole\n", worker:exec("sleep 10; echo whole").stdout)
  worker:kill()
end)
