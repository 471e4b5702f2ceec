-- Sealed memory files by raw system calls: buffers, numbers and errors as the kernel has them, no program in the guest.
local vm = provium.fixture("mounted")
local sys, errno = provium.sys, provium.errno

local function memfd(flags)
  local fd = vm:syscall_buf("memfd_create", 0, "sealed\0", 0, flags)
  assert(fd >= 0, "memfd_create")
  return fd
end

local function write(fd, data)
  return (vm:syscall_buf("write", 1, data, fd, 0, #data))
end

test("a file sealed against writing refuses a write with EPERM", function()
  local fd = memfd(sys.MFD_ALLOW_SEALING)
  assert_eq(5, write(fd, "hello"))
  assert_eq(0, vm:syscall("fcntl", fd, sys.F_ADD_SEALS, sys.F_SEAL_WRITE))
  assert_eq(-errno.EPERM, write(fd, "again"))
  local got, contents = vm:syscall_buf("pread64", 1, string.rep("\0", 16), fd, 0, 16, 0)
  assert_eq(5, got)
  assert_eq("hello", contents:sub(1, got))
end)

test("seals add up, and F_SEAL_SEAL ends it", function()
  local fd = memfd(sys.MFD_ALLOW_SEALING)
  assert_eq(0, vm:syscall("fcntl", fd, sys.F_ADD_SEALS, sys.F_SEAL_GROW))
  assert_eq(0, vm:syscall("fcntl", fd, sys.F_ADD_SEALS, sys.F_SEAL_SEAL))
  assert_eq(-errno.EPERM, vm:syscall("fcntl", fd, sys.F_ADD_SEALS, sys.F_SEAL_WRITE))
  assert_eq(sys.F_SEAL_GROW | sys.F_SEAL_SEAL, vm:syscall("fcntl", fd, sys.F_GET_SEALS))
end)

test("without MFD_ALLOW_SEALING the file is born sealed against seals", function()
  local fd = memfd(0)
  assert_eq(sys.F_SEAL_SEAL, vm:syscall("fcntl", fd, sys.F_GET_SEALS))
end)

test("two buffers of one readv are filled in order", function()
  local fd = memfd(0)
  assert_eq(6, write(fd, "abcdef"))
  -- struct iovec { void *base; size_t length; } twice; the bases point at buffers of their own.
  local iovecs = provium.pack("u64 u64 u64 u64", 0, 4, 0, 4)
  local got, _, first, second = vm:syscall_ptr("preadv", { [1] = iovecs }, {
    { buf_idx = 1, ptr_offset = 0, data_len = 4, output = true },
    { buf_idx = 1, ptr_offset = 16, data_len = 4, output = true },
  }, fd, 0, 2, 0, 0)
  assert_eq(6, got)
  assert_eq("abcd", first)
  assert_eq("ef\0\0", second)
end)
