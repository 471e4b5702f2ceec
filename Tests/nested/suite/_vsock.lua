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
  file:write(("%s %.4f\n"):format(name, value))
  file:close()
end

return M
