local vm = provium.create():boot()

test("the kernel is Linux", function()
  assert_contains(vm:exec("uname -a").stdout, "Linux")
end)

test("not yet", function() todo("waits for a device") end)

test("a file that is not there is ENOENT", function()
  local fd = vm:syscall_buf("openat", 1, "/missing\0", provium.sys.AT_FDCWD, 0, provium.sys.O_RDONLY, 0)
  assert_eq(-provium.errno.ENOENT, fd)
end)
