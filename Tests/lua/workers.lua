-- Workers: forked, threads of the agent, and tasks that share its memory; with credentials of their own.
local vm = provium.create():boot()
local sys, errno = provium.sys, provium.errno

for _, mode in ipairs({ "fork", "thread", "shared" }) do
  local opts = { [mode] = mode ~= "fork" and true or nil }

  test("a " .. mode .. " worker changes its credentials alone", function()
    local worker = vm:spawn(opts)
    assert_eq(0, worker:syscall("setresuid", 1000, 1000, 1000))
    assert_eq(1000, worker:syscall("getuid"))
    assert_eq(0, vm:syscall("getuid"))
    assert_eq("1000", worker:exec("id -u").stdout.trim())
    worker:kill()
  end)

  test("a " .. mode .. " worker has a kernel thread of its own, for its life", function()
    local worker = vm:spawn(opts)
    local tid = worker:pid()
    assert_ne(vm:syscall("gettid"), tid)
    for _ = 1, 5 do assert_eq(tid, worker:syscall("gettid")) end
    worker:kill()
  end)

  test("descriptors of a " .. mode .. " worker are " .. (mode == "fork" and "its own" or "shared"), function()
    local worker = vm:spawn(opts)
    local fd = worker:syscall_buf("openat", 1, "/dev/null\0", sys.AT_FDCWD, 0, sys.O_RDONLY)
    assert(fd >= 0)
    assert_eq(0, worker:syscall("lseek", fd, 0, sys.SEEK_SET))
    local seen = vm:syscall("fcntl", fd, 1, 0) -- F_GETFD
    assert_eq(mode == "fork" and -errno.EBADF or 0, seen)
    worker:syscall("close", fd)
    worker:kill()
  end)

end

-- Workers that are processes of their own. A thread ends with the agent, see below.
for _, mode in ipairs({ "fork", "shared" }) do
  local opts = { shared = mode == "shared" }

  test("a " .. mode .. " worker that exits is named on its next use, the others go on", function()
    local doomed, other = vm:spawn(opts), vm:spawn(opts)
    assert_error(function() doomed:syscall("exit_group", 7) end, "exit")
    assert_error(function() doomed:exec("true") end, "worker")
    assert(other:exec("true").ok)
    assert(vm:exec("true").ok)
    other:kill()
  end)

  test("a " .. mode .. " worker that crashes is named with its signal", function()
    local doomed = vm:spawn(opts)
    local pid = doomed:pid()
    assert_error(function() doomed:syscall("kill", pid, 9) end, "SIGKILL")
    assert(vm:exec("true").ok)
  end)
end

for _, mode in ipairs({ "fork", "shared" }) do
  test("a fault in a " .. mode .. " worker is its own end", function()
    local doomed, other = vm:spawn({ shared = mode == "shared" }), vm:spawn({ shared = mode == "shared" })
    assert_error(function() doomed:syscall("kill", doomed:pid(), 11) end, "SIGSEGV")
    assert_error(function() doomed:syscall("getpid") end, "SIGSEGV")
    assert(other:syscall("getpid") == other:pid())
    assert(vm:exec("true").ok)
    other:kill()
  end)
end

test("a thread worker is a thread of the agent's process", function()
  local worker = vm:spawn({ thread = true })
  local pid, tid = vm:syscall("getpid"), worker:syscall("gettid")
  assert_eq(pid, worker:syscall("getpid"))
  assert_ne(pid, tid)
  assert(vm:exec("test -d /proc/" .. pid .. "/task/" .. tid).ok)
  assert_error(function() worker:syscall("exit", 7) end, "exit code 7")
  assert(not vm:exec("test -d /proc/" .. pid .. "/task/" .. tid).ok)
  assert(vm:exec("true").ok)
end)

test("a shared worker is a process of its own", function()
  local worker = vm:spawn({ shared = true })
  assert_eq(worker:pid(), worker:syscall("getpid"))
  worker:kill()
end)

test("a thread worker is killed alone", function()
  local worker = vm:spawn({ thread = true })
  assert(worker:exec("sleep 1000", { timeout = 0.2 }).timed_out)
  worker:kill()
  assert_error(function() worker:syscall("getpid") end, "was killed")
  assert(vm:exec("true").ok)
end)

for what, call in pairs({
  ["ended with exit code 7"] = function(worker) worker:syscall("exit_group", 7) end,
  ["was killed by SIGSEGV"] = function(worker)
    worker:syscall("kill", worker:syscall("getpid"), 11)
    -- Any thread of the process may take the signal: the worker may still answer for a moment.
    for _ = 1, 1000 do worker:syscall("getpid") end
  end,
}) do
  test("a thread worker that ends the agent is named with it: it " .. what, { tags = { "heavy" } }, function()
    local machine = provium.create():boot({ memory = "128M" })
    local worker = machine:spawn({ thread = true })
    assert_error(function() call(worker) end, what .. ", and the agent with it")
    assert_error(function() machine:exec("true") end, what)
    machine:kill()
  end)
end

test("a worker is a thread or shared, not both", function()
  assert_error(function() vm:spawn({ thread = true, shared = true }) end, "not both")
end)

test("a forked worker without its code faults alone", function()
  local doomed, other = vm:spawn(), vm:spawn()
  local from, to
  for line in doomed:read_file("/proc/self/maps"):gmatch("[^\n]+") do
    if line:find("r-xp", 1, true) and line:find("agent", 1, true) then from, to = line:match("^(%x+)%-(%x+)") end
  end
  from, to = tonumber(from, 16), tonumber(to, 16)
  assert_error(function() doomed:syscall("munmap", from, to - from) end, "SIGSEGV")
  assert(other:exec("true").ok)
  assert(vm:exec("true").ok)
  other:kill()
end)

test("sixteen workers answer at once, each with its own pid", function()
  local workers, seen = {}, {}
  for i = 1, 16 do workers[i] = vm:spawn({ thread = i % 3 == 0, shared = i % 3 == 1 }) end
  for _, w in ipairs(workers) do
    local pid = w:syscall("gettid")
    assert_eq(w:pid(), pid)
    assert(not seen[pid])
    seen[pid] = true
  end
  for _, w in ipairs(workers) do w:kill() end
end)

test("a killed worker cannot be used, and its number is used again", function()
  local worker = vm:spawn()
  worker:kill()
  worker:kill()
  assert_error(function() worker:syscall("getpid") end, "worker")
  for _ = 1, 40 do vm:spawn():kill() end
end)

test("a worker has no boot, no shutdown and no spawn", function()
  local worker = vm:spawn()
  assert_error(function() worker:boot() end, "boot")
  assert_error(function() worker:spawn() end, "spawn")
  worker:kill()
end)

for _, mode in ipairs({ "fork", "thread", "shared" }) do
  test("the thirty-third " .. mode .. " worker is refused", function()
    local workers = {}
    local opts = { thread = mode == "thread", shared = mode == "shared" }
    for i = 1, 32 do workers[i] = vm:spawn(opts) end
    assert_error(function() vm:spawn(opts) end, "32")
    for _, w in ipairs(workers) do assert_eq(w:pid(), w:syscall("gettid")) end
    for _, w in ipairs(workers) do w:kill() end
  end)
end

test("a handle of an earlier boot raises, and does not affect the next boot", function()
  local machine = provium.create():boot()
  local old, job = machine:spawn(), machine:background("sleep 100")
  machine:shutdown()
  machine:boot()
  local new = machine:spawn()
  assert_error(function() old:syscall("getpid") end, "belonged to an earlier boot of the machine")
  old:kill()
  assert_error(function() machine:job_wait(job) end, "belonged to an earlier boot of the machine")
  assert_eq("booted", machine:state())
  assert_eq(new:pid(), new:syscall("getpid"))
  assert(machine:exec("true").ok)
  machine:shutdown()
end)

test("a worker with the number and the pid of an earlier one is another worker", function()
  local old = vm:spawn()
  local pid, name = old:pid(), tostring(old)
  assert_error(function() old:syscall("exit_group", 0) end, name)
  vm:write_file("/proc/sys/kernel/ns_last_pid", tostring(pid - 1))
  local new = vm:spawn()
  if tostring(new) ~= name then skip("the guest gave another pid") end
  assert_eq(pid, new:syscall("getpid"))
  old:kill()
  assert_error(function() old:syscall("getpid") end, "was killed")
  assert_eq(pid, new:syscall("getpid"))
  new:kill()
  assert_error(function() new:syscall("getpid") end, "was killed")
end)

test("a worker's methods take what they say", function()
  local worker = vm:spawn()
  assert_error(function() worker:pid(1) end, "worker:pid: takes at most 0 arguments, got 1")
  worker:kill()
end)
