-- A sysctl: what may be written, what is refused, and that the kernel really acts on it.
local vm = provium.create():boot()

local function sysctl(name)
  return "/proc/sys/" .. name:gsub("%.", "/")
end

test("kernel.hostname is what uname reports", function()
  vm:write_file(sysctl("kernel.hostname"), "under-test\n")
  assert_eq("under-test\n", vm:exec("uname -n").stdout)
end)

test("kernel.pid_max refuses a value below its minimum", function()
  local before = vm:read_file(sysctl("kernel.pid_max"))
  local err = assert_error(function() vm:write_file(sysctl("kernel.pid_max"), "1\n") end, "EINVAL")
  assert_contains(tostring(err), "/proc/sys/kernel/pid_max")
  assert_eq(before, vm:read_file(sysctl("kernel.pid_max")))
end)

test("kernel.ostype cannot be written, not even by root", function()
  local mode = vm:exec("stat -c %a " .. sysctl("kernel.ostype")).stdout.trim()
  assert_eq("444", mode)
end)

test("fs.file-max counts down to ENFILE for an ordinary user", { tags = { "limits" } }, function()
  vm:write_file(sysctl("fs.nr_open"), "1048576\n")
  local worker = vm:spawn()
  assert_eq(0, worker:syscall("setresuid", 1000, 1000, 1000))
  vm:write_file(sysctl("fs.file-max"), "16\n")
  local fd = worker:syscall_buf("openat", 1, "/\0", provium.sys.AT_FDCWD, 0, provium.sys.O_RDONLY)
  vm:write_file(sysctl("fs.file-max"), "65536\n")
  assert_eq(-provium.errno.ENFILE, fd)
  worker:kill()
end)
