-- Round trips, for the comparison of channels.
local vsock = dofile("vsock.lua")
local vm = vsock.boot()

test("echo", function()
  for _ = 1, 50 do vm:syscall("getpid") end
  vsock.sample("roundtrip", 6, function()
    for _ = 1, 100 do vm:syscall("getpid") end
  end)
  local data = ("x"):rep(4 << 20)
  vsock.sample("write", 6, function() vm:write_file("/tmp/data", data) end)
  vsock.sample("read", 6, function() assert_eq(#data, #vm:read_file("/tmp/data")) end)
end)
