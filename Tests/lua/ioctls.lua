-- ioctls by direction, old-style ones, and one on a disk attached at boot.
local disk = os.tmpname()
do
  local f = assert(io.open(disk, "wb"))
  f:write(("\0"):rep(1024 * 1024))
  f:close()
end
local vm = provium.create():boot({ disks = { { path = disk, readonly = true } } })
local sys, errno = provium.sys, provium.errno

local function open(path, flags)
  local fd = vm:syscall_buf("openat", 1, path .. "\0", sys.AT_FDCWD, 0, flags, 0)
  assert(fd >= 0, path .. ": " .. fd)
  return fd
end

test("BLKGETSIZE64 tells the size of the attached disk", function()
  local fd = open("/dev/vda", sys.O_RDONLY)
  local r, size = vm:ioctl(fd, provium.IOR(0x12, 114, 8), ("\0"):rep(8))
  assert_eq(0, r)
  assert_eq(1024 * 1024, (provium.unpack("u64", size)))
  vm:syscall("close", fd)
end)

test("FIONREAD, which encodes no direction, works when data is given", function()
  local _, raw = vm:syscall_buf("pipe2", 0, ("\0"):rep(8), 0, 0)
  local reader, writer = provium.unpack("i32 i32", raw)
  vm:syscall_buf("write", 1, "12345", writer, 0, 5)
  local r, count = vm:ioctl(reader, 0x541B, ("\0"):rep(4))
  assert_eq(0, r)
  assert_eq(5, (provium.unpack("i32", count)))
  vm:syscall("close", reader)
  vm:syscall("close", writer)
end)

test("an old-style ioctl with less data than it writes is -EFAULT", function()
  local _, raw = vm:syscall_buf("pipe2", 0, ("\0"):rep(8), 0, 0)
  local reader, writer = provium.unpack("i32 i32", raw)
  assert_eq(-provium.errno.EFAULT, (vm:ioctl(reader, 0x541B, "\0"))) -- FIONREAD writes four bytes
  assert(vm:exec("true").ok)
  vm:syscall("close", reader)
  vm:syscall("close", writer)
end)

test("FS_IOC_GETFLAGS reads a file's flags", function()
  vm:exec("mkdir -p /mnt/t && mount -t tmpfs none /mnt/t && touch /mnt/t/file")
  local fd = open("/mnt/t/file", sys.O_RDONLY)
  local r, flags = vm:ioctl(fd, provium.IOR(string.byte("f"), 1, 8), ("\0"):rep(8))
  assert_eq(0, r) -- tmpfs has them since Linux 6.0
  assert_eq(8, #flags)
  assert_eq(0, (provium.unpack("u32", flags)))
  local NODUMP = 0x40
  assert_eq(0, (vm:ioctl(fd, provium.IOW(string.byte("f"), 2, 8), provium.pack("u64", NODUMP))))
  r, flags = vm:ioctl(fd, provium.IOR(string.byte("f"), 1, 8))
  assert_eq(0, r)
  assert_eq(NODUMP, (provium.unpack("u32", flags)))
  vm:syscall("close", fd)
end)

test("an ioctl returns its struct only if the kernel may have written it", function()
  local fd = open("/dev/random", sys.O_RDWR)
  local RNDADDTOENTCNT, RNDGETENTCNT, FIONREAD = 0x40045201, 0x80045200, 0x541B
  local r, out = vm:ioctl(fd, RNDADDTOENTCNT, provium.pack("i32", 0))
  assert_eq(0, r)
  assert_eq(nil, out)
  r, out = vm:ioctl_buf(fd, RNDADDTOENTCNT, provium.pack("i32", 0), {})
  assert_eq(0, r)
  assert_eq(nil, out)
  r, out = vm:ioctl(fd, RNDGETENTCNT)
  assert_eq(0, r)
  assert_eq(4, #out)
  vm:syscall("close", fd)
  local reader, writer = provium.unpack("i32 i32", (select(2, vm:syscall_buf("pipe2", 0, ("\0"):rep(8), 0, 0))))
  r, out = vm:ioctl(reader, FIONREAD, ("x"):rep(4)) -- no direction: the struct comes back
  assert_eq(0, r)
  assert_eq(0, (provium.unpack("u32", out)))
  assert_eq(-errno.EFAULT, (vm:ioctl(reader, FIONREAD, ""))) -- empty data has an address
  vm:syscall("close", reader)
  vm:syscall("close", writer)
end)

test("SIOCGIFCONF fills a buffer behind a pointer", function()
  vm:exec("ip link set lo up")
  local fd = vm:syscall("socket", sys.AF_INET, sys.SOCK_DGRAM, 0)
  local ifconf = provium.pack("i32 4x u64", 40 * 8, 0)
  local r, after, list = vm:ioctl_buf(fd, 0x8912, ifconf, { { ptr_offset = 8, buf_len = 40 * 8, output = true } })
  assert_eq(0, r)
  local length = provium.unpack("i32", after)
  assert_eq(40, length)
  assert_eq("lo", (list:sub(1, 16):gsub("%z+$", "")))
  vm:syscall("close", fd)
end)

test("an ioctl on what has none is -ENOTTY", function()
  local fd = open("/dev/null", sys.O_RDONLY)
  assert_eq(-provium.errno.ENOTTY, (vm:ioctl(fd, 0x5401, ("\0"):rep(64))))
  vm:syscall("close", fd)
end)

os.remove(disk)
