-- Round trips, for the comparison of channels.
local vsock = dofile("_vsock.lua")
local vm = provium.create():boot({ memory = "192M" })

test("echo", function()
  for _ = 1, 50 do vm:syscall("getpid") end
  local count, started = 500, vsock.now()
  for _ = 1, count do vm:syscall("getpid") end
  vsock.figure("roundtrip", (vsock.now() - started) * 1000 / count)
  local data = ("x"):rep(4 << 20)
  started = vsock.now()
  vm:write_file("/tmp/data", data)
  vsock.figure("write", vsock.now() - started)
  started = vsock.now()
  assert_eq(#data, #vm:read_file("/tmp/data"))
  vsock.figure("read", vsock.now() - started)
end)
