-- One machine: commands, files, syscalls, jobs and workers.
local vsock = dofile("vsock.lua")
local release = io.open("/proc/sys/kernel/osrelease"):read("l")
local loopback = "/lib/modules/" .. release .. "/kernel/net/vmw_vsock/vsock_loopback.ko"
local vm = vsock.boot({ memory = "192M", files = { ["/root/vsock_loopback.ko"] = loopback } })
local sys, errno = provium.sys, provium.errno

test("the guest is on KVM and has a CID of its own", function()
  assert_contains(vm:read_file("/proc/cpuinfo"), "hypervisor")
  assert_match(vm:dmesg("Hypervisor detected"), "KVM")
  assert(vsock.cid(vm) >= 10)
end)

test("the agent serves none of the guest's own processes, and none of them can read the VM's secret", function()
  assert_eq(0, vm:exec("insmod /root/vsock_loopback.ko").exit_code)
  assert_error(function() vm:read_file("/.provium/secret") end, "ENOENT")
  assert_eq("700", vm:exec("stat -c %a /.provium").stdout.trim())
  local own, worker = vsock.cid(vm), vm:spawn()
  for _, cid in ipairs({ 1, own }) do
    local n, bytes = vsock.knock(worker, cid, 5122, vsock.exec_message)
    assert(n <= 0, ("the agent answered %d bytes through CID %d: %q"):format(n, cid, bytes:sub(1, 8)))
  end
  worker:kill()
  assert(vm:exec("true").ok)
end)

test("commands give output, errors, exit codes and signals", function()
  local r = vm:exec("echo out; echo err >&2; exit 3")
  assert_eq("out\n", r.stdout)
  assert_eq("err\n", r.stderr)
  assert_eq(3, r.exit_code)
  assert_eq(11, vm:exec("kill -SEGV $$").signal)
  r = vm:exec('echo "$A from $(pwd)"; cat', { env = { A = "hello" }, cwd = "/tmp", stdin = "line\0two" })
  assert_eq("hello from /tmp\nline\0two", r.stdout)
end)

test("a command whose time is up is ended, and the connection goes on", function()
  local r = vm:exec("sleep 1000", { timeout = "500ms" })
  assert_eq(true, r.timed_out)
  assert(vm:exec("true").ok)
end)

test("a file of more than 16 MiB is whole in both directions", function()
  local block = {}
  for i = 0, 255 do block[#block + 1] = string.char(i) end
  local data = table.concat(block):rep(4096 * 17) .. "end"
  vm:write_file("/tmp/big", data)
  assert_eq(#data, tonumber(vm:exec("wc -c < /tmp/big").stdout.trim()))
  assert(data == vm:read_file("/tmp/big"), "the file came back different")
  vm:exec("rm /tmp/big")
end)

test("descriptors persist, results are exact, failures are -errno", function()
  local fd = vm:syscall_buf("openat", 1, "/tmp/sparse\0", sys.AT_FDCWD, 0, sys.O_RDWR | sys.O_CREAT, 384)
  assert(fd >= 0)
  assert_eq(5 << 32, vm:syscall("lseek", fd, 5 << 32, sys.SEEK_SET))
  assert_eq(4, (vm:syscall_buf("write", 1, "tail", fd, 0, 4)))
  assert_eq(5 << 32, vm:syscall("lseek", fd, -4, sys.SEEK_CUR))
  local n, data = vm:syscall_buf("read", 1, ("\0"):rep(8), fd, 0, 8)
  assert_eq(4, n)
  assert_eq("tail\0\0\0\0", data)
  assert_eq(0, vm:syscall("close", fd))
  assert_eq(-errno.EBADF, vm:syscall("close", fd))
end)

test("jobs run beside other calls, and are killed with their group", function()
  local job = vm:background("sleep 0.3; echo done; exit 5")
  assert(vm:exec("true").ok)
  local r = vm:job_wait(job, 20)
  assert_eq(5, r.exit_code)
  assert_eq("done\n", r.stdout)
  local other = vm:background("echo first; sleep 1001")
  vm:wait_until(function() return vm:job_wait(other).stdout:contains("first") end, { interval = 0.1 })
  assert_eq(false, vm:job_kill(other).running)
end)

for _, mode in ipairs({ "fork", "shared", "thread" }) do
  local opts = { thread = mode == "thread", shared = mode == "shared" }

  test("a " .. mode .. " worker has credentials, a thread and a connection of its own", function()
    local worker = vm:spawn(opts)
    assert_eq(0, worker:syscall("setresuid", 1000, 1000, 1000))
    assert_eq(1000, worker:syscall("getuid"))
    assert_eq(0, vm:syscall("getuid"))
    assert_eq(worker:pid(), worker:syscall("gettid"))
    assert_ne(vm:syscall("gettid"), worker:pid())
    assert_eq("1000", worker:exec("id -u").stdout.trim())
    worker:kill()
  end)
end

for _, mode in ipairs({ "fork", "shared" }) do
  test("the death of a " .. mode .. " worker is reported with its signal, and the others go on", function()
    local opts = { shared = mode == "shared" }
    local doomed, other = vm:spawn(opts), vm:spawn(opts)
    local pid = doomed:pid()
    assert_error(function() doomed:syscall("kill", pid, 9) end, "SIGKILL")
    assert(other:exec("true").ok)
    assert(vm:exec("true").ok)
    other:kill()
  end)
end

test("a fatal signal to a thread worker ends the agent, and the error names both", function()
  local machine = vsock.boot()
  local doomed = machine:spawn({ thread = true })
  assert_error(function() doomed:syscall("kill", doomed:pid(), 9) end, "SIGKILL, and the agent with it")
  assert_error(function() machine:exec("true") end, "SIGKILL")
  machine:kill()
end)

test("nine workers of all kinds answer at once", function()
  local workers, seen = {}, {}
  for i = 1, 9 do workers[i] = vm:spawn({ thread = i % 3 == 0, shared = i % 3 == 1 }) end
  for _, worker in ipairs(workers) do
    local pid = worker:syscall("gettid")
    assert_eq(worker:pid(), pid)
    assert(not seen[pid])
    seen[pid] = true
  end
  for _, worker in ipairs(workers) do worker:kill() end
end)

test("a panic is an error at once", function()
  local doomed = vsock.boot()
  doomed:expect_splat("sysrq triggered crash", function()
    assert_error(function()
      doomed:exec("echo 1 > /proc/sys/kernel/sysrq; echo c > /proc/sysrq-trigger; sleep 100")
    end, "panic")
  end)
  assert_eq("dead", doomed:state())
end)

test("QEMU killed in mid-operation is noticed at once, and its CID comes back", function()
  local doomed = vsock.boot()
  local cid = vsock.cid(doomed)
  os.execute(([[(sleep 1
    for p in $(pidof qemu-system-x86_64); do grep -q guest-cid=%d, /proc/$p/cmdline && kill -9 $p; done) &]]):format(cid))
  local from = vsock.now()
  assert_error(function() doomed:exec("sleep 100") end, "QEMU")
  -- One second passes before the kill; a busy host adds to the rest. The call itself would take 100 s.
  assert(vsock.now() - from < 20, "it took " .. vsock.now() - from .. " s to notice")
  assert_eq("dead", doomed:state())
  -- The lowest one that is free is taken.
  local next = vsock.cid(vsock.boot())
  assert(next <= cid, "CID " .. cid .. " is still in use: the next VM has " .. next)
end)
