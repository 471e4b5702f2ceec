-- Helpers of the suite.
local M = {}

-- The CID that the guest's own kernel knows: ioctl IOCTL_VM_SOCKETS_GET_LOCAL_CID on /dev/vsock.
function M.cid(vm)
  local fd = vm:syscall_buf("openat", 1, "/dev/vsock\0", provium.sys.AT_FDCWD, 0, provium.sys.O_RDONLY, 0)
  assert(fd >= 0, "/dev/vsock: " .. fd)
  local r, cid = vm:ioctl(fd, 0x7b9, ("\0"):rep(4))
  assert_eq(0, r)
  vm:syscall("close", fd)
  return (provium.unpack("u32", cid))
end

-- EXEC "true", as the agent's published protocol has it.
M.exec_message = provium.pack("u8 u32", 1, 4) .. "true"

-- Connects to a vsock port from a machine or worker `who`, and sends `message`: what read(2) gave, at most 2 s later. nil:
-- no process listens there.
function M.knock(who, cid, port, message)
  local fd = who:syscall("socket", 40, 1, 0) -- AF_VSOCK, SOCK_STREAM
  assert(fd >= 0, "socket: " .. fd)
  local limit = provium.pack("i64 i64", 2, 0)
  assert_eq(0, (who:syscall_buf("setsockopt", 3, limit, fd, 1, 20, 0, #limit))) -- SOL_SOCKET, SO_RCVTIMEO
  local address = provium.pack("u16 u16 u32 u32 u32", 40, 0, port, cid, 0) -- sockaddr_vm
  local r = who:syscall_buf("connect", 1, address, fd, 0, #address)
  local n, bytes
  if r == 0 then
    who:syscall_buf("write", 1, message, fd, 0, #message)
    n, bytes = who:syscall_buf("read", 1, ("\0"):rep(64), fd, 0, 64)
  end
  who:syscall("close", fd)
  return n, bytes
end

-- Seconds, by the first level's own clock (hundredths).
function M.now()
  local file = assert(io.open("/proc/uptime"))
  local text = file:read("l")
  file:close()
  return tonumber(text:match("^%S+"))
end

-- For Scripts/test-nested, which asks for them by naming a file.
function M.figure(name, value)
  local path = os.getenv("PROVIUM_NESTED_FIGURES")
  if not path then return end
  local file = assert(io.open(path, "a"))
  file:write(("%s %.5f\n"):format(name, value))
  file:close()
end

-- A booted machine; how long that took is a figure. KVM's time limits are those of a machine of iron; this one is emulated.
function M.boot(options)
  options = options or { memory = "192M" }
  options.boot_timeout = "3m"
  local started = M.now()
  local vm = provium.create():boot(options)
  M.figure("boot", M.now() - started)
  return vm
end

-- Notes how long `fn` takes, `count` times. The first level's processor now and then sleeps for seconds: such a sample is
-- taken again.
function M.sample(name, count, fn)
  for _ = 1, count do
    local took
    for _ = 1, 3 do
      local started = M.now()
      fn()
      took = M.now() - started
      if took < 5 then break end
    end
    M.figure(name, took)
  end
end

return M
