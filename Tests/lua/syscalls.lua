-- Raw syscalls, as a kernel developer would test them.
local vm = provium.create():boot({ disks = {} })
local sys, errno = provium.sys, provium.errno

local function open(path, flags, mode)
  return (vm:syscall_buf("openat", 1, path .. "\0", sys.AT_FDCWD, 0, flags, mode or 0))
end

test("getpid is the agent's, every time", function()
  local pid = vm:syscall("getpid")
  assert(pid > 1)
  local numbers = { x86_64 = 39, aarch64 = 172 }
  assert_eq(pid, vm:syscall(numbers[vm:exec("uname -m").stdout.trim()]))
end)

test("openat, write, lseek past 32 bits, read back, close", function()
  local fd = open("/tmp/sparse", sys.O_RDWR | sys.O_CREAT | sys.O_TRUNC, 384)
  assert(fd >= 0, "openat: " .. fd)
  local far = 5 * 2 ^ 32
  assert_eq(5 << 32, vm:syscall("lseek", fd, far, sys.SEEK_SET))
  assert_eq(4, (vm:syscall_buf("write", 1, "tail", fd, 0, 4)))
  assert_eq(5 << 32, vm:syscall("lseek", fd, -4, sys.SEEK_CUR))
  local n, data = vm:syscall_buf("read", 1, ("\0"):rep(8), fd, 0, 8)
  assert_eq(4, n)
  assert_eq("tail\0\0\0\0", data)
  assert_eq(0, vm:syscall("close", fd))
  assert_eq(-errno.EBADF, vm:syscall("close", fd))
end)

test("pipe2 gives two descriptors that carry bytes", function()
  local r, raw = vm:syscall_buf("pipe2", 0, ("\0"):rep(8), 0, sys.O_CLOEXEC)
  assert_eq(0, r)
  local reader, writer = provium.unpack("i32 i32", raw)
  assert_eq(3, (vm:syscall_buf("write", 1, "abc", writer, 0, 3)))
  local n, data = vm:syscall_buf("read", 1, ("."):rep(5), reader, 0, 5)
  assert_eq(3, n)
  assert_eq("abc..", data)
  vm:syscall("close", reader)
  vm:syscall("close", writer)
end)

test("writev and readv walk an iovec of pointers", function()
  local _, raw = vm:syscall_buf("pipe2", 0, ("\0"):rep(8), 0, 0)
  local reader, writer = provium.unpack("i32 i32", raw)
  local iovec = provium.pack("u64 u64 u64 u64", 0, 5, 0, 6)
  local n = vm:syscall_ptr("writev", { [1] = iovec }, {
    { buf_idx = 1, ptr_offset = 0, data_len = 5, data = "hello" },
    { buf_idx = 1, ptr_offset = 16, data_len = 6, data = " world" },
  }, writer, 0, 2)
  assert_eq(11, n)
  local count, _, first, second = vm:syscall_ptr("readv", { [1] = provium.pack("u64 u64 u64 u64", 0, 4, 0, 16) }, {
    { buf_idx = 1, ptr_offset = 0, data_len = 4, output = true },
    { buf_idx = 1, ptr_offset = 16, data_len = 16, output = true },
  }, reader, 0, 2)
  assert_eq(11, count)
  assert_eq("hell", first)
  assert_eq("o world", (second:gsub("%z+$", "")))
  vm:syscall("close", reader)
  vm:syscall("close", writer)
end)

test("readlinkat takes two buffers, and gives them in order of their index", function()
  vm:exec("ln -sf /somewhere/else /tmp/link")
  local n, path, target = vm:syscall_bufs("readlinkat", { [1] = "/tmp/link\0", [2] = ("\0"):rep(64) },
    sys.AT_FDCWD, 0, 0, 64)
  assert_eq(#"/somewhere/else", n)
  assert_eq("/tmp/link\0", path)
  assert_eq("/somewhere/else", target:sub(1, n))
end)

test("getrandom fills a buffer, differently each time", function()
  local n, one = vm:syscall_buf("getrandom", 0, ("\0"):rep(32), 0, 32, 0)
  local _, two = vm:syscall_buf("getrandom", 0, ("\0"):rep(32), 0, 32, 0)
  assert_eq(32, n)
  assert_ne(one, two)
end)

test("prctl sets and gets the thread's name", function()
  local PR_SET_NAME, PR_GET_NAME = 15, 16
  assert_eq(0, (vm:syscall_buf("prctl", 1, "tested\0", PR_SET_NAME, 0)))
  local _, name = vm:syscall_buf("prctl", 1, ("\0"):rep(16), PR_GET_NAME, 0)
  assert_eq("tested", (name:gsub("%z+$", "")))
end)

test("bpf refuses an unknown command with its attribute struct", function()
  local r = vm:syscall_buf("bpf", 1, ("\0"):rep(128), 9999, 0, 128)
  assert_eq(-errno.EINVAL, r)
end)

test("io_uring_setup fills its parameter struct", function()
  local params = ("\0"):rep(120)
  local fd, filled = vm:syscall_buf("io_uring_setup", 1, params, 4, 0)
  if fd == -errno.ENOSYS or fd == -errno.EPERM then skip("this kernel has no io_uring") end
  assert(fd >= 0, "io_uring_setup: " .. fd)
  local sq_entries, cq_entries = provium.unpack("u32 u32", filled)
  assert_eq(4, sq_entries)
  assert_eq(8, cq_entries)
  vm:syscall("close", fd)
end)

test("results are exact to 64 bits", function()
  -- mmap gives an address above 2^32
  local address = vm:syscall("mmap", 0, 4096, sys.PROT_READ, sys.MAP_PRIVATE | sys.MAP_ANONYMOUS, -1, 0)
  assert(address > 1 << 32, string.format("%x", address))
  assert_eq(0, vm:syscall("munmap", address, 4096))
end)

test("a call that is told of more room than there is stops at the buffer's end", function()
  local fd = open("/dev/zero", sys.O_RDONLY)
  for _, size in ipairs({ 1, 8, 100, 4096, 65537 }) do
    for _, claimed in ipairs({ size + 1, 1 << 20 }) do
      local n, data = vm:syscall_buf("read", 1, ("\xa5"):rep(size), fd, 0, claimed)
      assert(n == -errno.EFAULT or (n > 0 and n <= size), "read of " .. claimed .. " into " .. size .. ": " .. n)
      assert_eq(size, #data)
    end
  end
  -- Two parts, the first of which has the length of both.
  local _, _, first, second = vm:syscall_ptr("readv", { [1] = provium.pack("u64 u64 u64 u64", 0, 4096, 0, 8) }, {
    { buf_idx = 1, ptr_offset = 0, data_len = 8, data = ("a"):rep(8), output = true },
    { buf_idx = 1, ptr_offset = 16, data_len = 8, data = ("b"):rep(8), output = true },
  }, fd, 0, 2)
  assert_eq(8, #first)
  assert_eq(("b"):rep(8), second)
  assert_eq(0, vm:syscall("close", fd))
  assert(vm:exec("true").ok)
end)

test("a buffer is aligned as far as its length is", function()
  -- FUTEX_WAKE needs a word at a multiple of four, and finds no waiter.
  local FUTEX_WAKE = 1
  assert_eq(0, (vm:syscall_buf("futex", 0, ("\0"):rep(4), 0, FUTEX_WAKE, 1)))
  assert_eq(0, (vm:syscall_buf("futex", 0, ("\0"):rep(12), 0, FUTEX_WAKE, 1)))
  assert_eq(-errno.EINVAL, (vm:syscall_buf("futex", 0, ("\0"):rep(5), 0, FUTEX_WAKE, 1)))
end)

test("buffers of 8 MiB go both ways, larger ones are refused", function()
  local size = 8 << 20
  local data = ("0123456789abcde\0"):rep(size // 16)
  local fd = open("/tmp/large", sys.O_RDWR | sys.O_CREAT | sys.O_TRUNC, 384)
  for _ = 1, 2 do
    assert_eq(size, (vm:syscall_buf("pwrite64", 1, data, fd, 0, size, 0)))
    local n, back = vm:syscall_buf("pread64", 1, ("\0"):rep(size), fd, 0, size, 0)
    assert_eq(size, n)
    assert(back == data)
  end
  assert_eq(0, vm:syscall("close", fd))
  vm:exec("rm /tmp/large")
  assert_error(function() vm:syscall_buf("read", 1, ("\0"):rep(size + 1), 0, 0, 1) end, "8388608")
end)

test("mistakes are refused before anything is sent, with the argument's name", function()
  assert_error(function() vm:syscall("opneat") end, "openat")
  assert_error(function() vm:syscall(39, 1, 2, 3, 4, 5, 6, 7) end, "at most 6")
  assert_error(function() vm:syscall_buf("read", 7, "x", 0, 0, 1) end, "index")
  assert_error(function()
    vm:syscall_ptr("writev", { [1] = ("\0"):rep(16) }, { { buf_idx = 1, ptr_offset = 12, data_len = 4, data = "abcd" } }, 1, 0, 1)
  end, "ptr_offset")
  assert_error(function()
    vm:syscall_ptr("writev", { [1] = ("\0"):rep(16) }, {
      { buf_idx = 1, ptr_offset = 0, data_len = 4, data = "abcd" },
      { buf_idx = 1, ptr_offset = 4, data_len = 4, data = "abcd" },
    }, 1, 0, 1)
  end, "overlap")
  assert_error(function() vm:syscall("getpid", {}) end, "integer")
end)

test("a number is no memory", function()
  assert_error(function() vm:syscall_buf("write", 1, 12345, 1, 0, 5) end, "vm:syscall_buf: argument 'data' must be a string of bytes, got number 12345")
  assert_error(function() vm:syscall_bufs("write", { [1] = 5 }, 1, 0, 1) end, "table of strings")
  assert_error(function() vm:ioctl(1, 0x541B, 3) end, 'vm:syscall("ioctl", fd, cmd, n)')
  assert_error(function() vm:ioctl_buf(1, 0x541B, 3, {}) end, "argument 'struct' must be a string of bytes")
  assert_error(function() provium.unpack("u8", 5) end, "argument 'data' must be a string of bytes")
end)

test("a sub-buffer without output gives no value, and without data it is zeroed memory", function()
  local fd = vm:syscall_buf("memfd_create", 0, "m\0", 0, 0)
  local iov = { [1] = provium.pack("u64 u64", 0, 4) }
  for _, spec in ipairs({
    { buf_idx = 1, ptr_offset = 0, data_len = 4 },
    { buf_idx = 1, ptr_offset = 0, data_len = 4, output = false },
    { buf_idx = 1, ptr_offset = 0, data_len = 4, data = "ab" },
  }) do
    local results = table.pack(vm:syscall_ptr("writev", iov, { spec }, fd, 0, 1))
    assert_eq(2, results.n)
    assert_eq(4, results[1])
  end
  local _, contents = vm:syscall_buf("pread64", 1, ("x"):rep(12), fd, 0, 12, 0)
  assert_eq("\0\0\0\0\0\0\0\0ab\0\0", contents)
  vm:syscall("close", fd)
end)

test("buffers and sub-buffers may be empty", function()
  assert_eq(-errno.ENOSYS, (vm:syscall_buf(1003, 0, "", 0, 0)))
  assert_eq(-errno.EFAULT, (vm:syscall_buf("uname", 0, "")))
  local fd = vm:syscall_buf("memfd_create", 0, "m\0", 0, 0)
  local iov = { [1] = provium.pack("u64 u64", 0, 0) }
  for _, spec in ipairs({
    { buf_idx = 1, ptr_offset = 0, data_len = 0, data = "" },
    { buf_idx = 1, ptr_offset = 0, data_len = 0 },
    { buf_idx = 1, ptr_offset = 0, data_len = 0, output = true },
  }) do
    assert_eq(0, (vm:syscall_ptr("writev", iov, { spec }, fd, 0, 1)))
  end
  vm:syscall("close", fd)
end)

test("what the layers below refuse names the function and the argument", function()
  assert_error(function() vm:syscall_buf("read", 1, ("x"):rep(9 << 20)) end, "vm:syscall_buf: argument 'data'")
  assert_error(function() vm:read_file("") end, "vm:read_file: argument 'path'")
end)

test("vm.sys has the guest's numbers, and constants cannot be assigned", function()
  assert_eq(vm:exec("uname -m").stdout.trim() == "aarch64" and 0x4000 or 0x10000, vm.sys.O_DIRECTORY)
  local fd = vm:syscall_buf("openat", 1, "/etc/passwd\0", vm.sys.AT_FDCWD, 0, vm.sys.O_DIRECTORY)
  assert_eq(-provium.errno.ENOTDIR, fd)
  assert_error(function() return vm.sys.O_DIRECTROY end, "did you mean 'O_DIRECTORY'?")
  assert_error(function() vm.sys.O_RDONLY = 1 end, "vm.sys: cannot assign 'O_RDONLY'")
  assert_error(function() provium.sys.O_RDONLY = 1 end, "provium.sys.O_RDONLY cannot be assigned")
  assert_error(function() provium.errno.NEW = 1 end, "provium.errno.NEW cannot be assigned")
  assert_error(function() vm.sys = {} end, "cannot assign 'sys'")
  local found
  for name, value in pairs(provium.errno) do found = found or (name == "ENOENT" and value) end
  assert_eq(2, found)
end)
