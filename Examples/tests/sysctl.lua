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

test("no limit on descriptors may be above fs.nr_open", { tags = { "limits" } }, function()
  vm:write_file(sysctl("fs.nr_open"), "4096\n")
  local RLIMIT_NOFILE = 7
  local function set_limit(n)
    return (vm:syscall_buf("prlimit64", 2, provium.pack("u64 u64", n, n), 0, RLIMIT_NOFILE, 0, 0))
  end
  assert_eq(0, set_limit(4096))
  assert_eq(-provium.errno.EPERM, set_limit(4097))
end)
