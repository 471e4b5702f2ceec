-- Namespaces and a cgroup: what one process sees, the others do not.
local vm = provium.create():boot()
local sys = provium.sys

test("a worker in a UTS namespace of its own has a host name of its own", function()
  local worker = vm:spawn()
  assert_eq(0, worker:syscall("unshare", sys.CLONE_NEWUTS))
  local name = "inside"
  assert_eq(0, (worker:syscall_buf("sethostname", 0, name, 0, #name)))
  assert_eq("inside", worker:exec("hostname").stdout.trim())
  assert_ne("inside", vm:exec("hostname").stdout.trim())
  worker:kill()
end)

test("root in a user namespace is nobody outside of it", function()
  local worker = vm:spawn()
  assert_eq(0, worker:syscall("setresuid", 1000, 1000, 1000))
  -- A process that changed its user is not dumpable, and its /proc files are root's: make it its own again.
  local PR_SET_DUMPABLE = 4
  assert_eq(0, worker:syscall("prctl", PR_SET_DUMPABLE, 1))
  assert_eq(0, worker:syscall("unshare", sys.CLONE_NEWUSER))
  worker:write_file("/proc/self/uid_map", "0 1000 1")
  assert_eq(0, worker:syscall("setresuid", 0, 0, 0))
  assert_eq(0, worker:syscall("geteuid"))
  local chown = worker:exec("chown 0 /etc/passwd")
  assert(not chown.ok)
  worker:kill()
end)

test("pids.max of a cgroup stops a fork bomb", function()
  assert(vm:exec([[
    mkdir -p /sys/fs/cgroup && { mountpoint -q /sys/fs/cgroup || mount -t cgroup2 none /sys/fs/cgroup; }
    echo +pids > /sys/fs/cgroup/cgroup.subtree_control && mkdir -p /sys/fs/cgroup/small]]).ok)
  vm:write_file("/sys/fs/cgroup/small/pids.max", "8")
  local r = vm:exec([[
    echo 0 > /sys/fs/cgroup/small/cgroup.procs
    for i in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 5 & done; wait]], { timeout = "20s" })
  assert_contains(r.stderr, "fork")
  assert_match(vm:read_file("/sys/fs/cgroup/small/pids.events"), "max [1-9]")
end)
