-- Background jobs.
local vm = provium.create():boot()

test("a job runs while other things are done", function()
  local job = vm:background("sleep 0.3; echo done; exit 5")
  assert_eq(true, vm:job_wait(job).running)
  assert_eq(-1, vm:job_wait(job).exit_code)
  local r = vm:job_wait(job, 10)
  assert_eq(false, r.running)
  assert_eq(5, r.exit_code)
  assert_eq("done\n", r.stdout)
  assert_eq(5, vm:job_wait(job).exit_code, "a result can be read again")
end)

test("output can be read while it comes", function()
  local job = vm:background("echo first; sleep 100")
  vm:wait_until(function() return vm:job_wait(job).stdout:contains("first") end, { interval = 0.05 })
  local r = vm:job_kill(job)
  assert_eq(false, r.running)
  assert_eq("first\n", r.stdout)
end)

test("ten megabytes of output do not block a job", function()
  local job = vm:background("head -c 10485760 /dev/zero | tr '\\0' y")
  local r = vm:job_wait(job, "60s")
  assert_eq(0, r.exit_code)
  assert_eq(10485760, #r.stdout)
end)

test("killing a job ends its whole process group", function()
  local job = vm:background("sleep 1001 & sleep 1001 & wait")
  vm:wait_until(function() return #vm:exec("pidof sleep").stdout:trim() > 3 end, { interval = 0.05 })
  vm:job_kill(job)
  vm:wait_until(function() return vm:exec("pidof sleep").exit_code == 1 end, { timeout = 2, interval = 0.05 })
end)

test("a job is done when it exits, though a child keeps its pipe", function()
  local job = vm:background("sleep 5 & echo gone")
  local r = vm:job_wait(job, 3)
  assert_eq(false, r.running)
  assert_eq("gone\n", r.stdout)
  vm:exec("killall sleep")
end)

test("a finished job's group can be killed, and never another's", function()
  local job = vm:background("sleep 1002 & exit 4")
  assert_eq(4, vm:job_wait(job, 10).exit_code)
  -- The kernel is asked for the same number again, which is still the job's.
  vm:write_file("/proc/sys/kernel/ns_last_pid", tostring(job.pid - 1))
  local other = vm:background("sleep 1003")
  assert_ne(job.pid, other.pid)
  assert_eq(4, vm:job_kill(job).exit_code)
  vm:wait_until(function() return not vm:exec("ps | grep '[s]leep 1002'").ok end, { timeout = 2, interval = 0.05 })
  assert_eq(true, vm:job_wait(other).running)
  vm:job_kill(other)
end)

test("a finished job without processes frees its PID, and killing it kills no other process", function()
  local job, other
  vm:wait_until(function()
    job = vm:background("exit 4")
    assert_eq(4, vm:job_wait(job, 10).exit_code)
    vm:write_file("/proc/sys/kernel/ns_last_pid", tostring(job.pid - 1))
    other = vm:background("sleep 1003")
    if other.pid ~= job.pid then vm:job_kill(other) end
    return other.pid == job.pid
  end, { desc = "the same number again", interval = 0.01 })
  assert_eq(4, vm:job_kill(job).exit_code)
  assert_eq(true, vm:job_wait(other).running)
  assert_eq(9, vm:job_kill(other).signal)
end)

for _, mode in ipairs({ "fork", "thread", "shared" }) do
  test("jobs of a dead " .. mode .. " worker leave nothing, finished ones neither", function()
    for _, ending in ipairs({ "kill", "exit" }) do
      local worker = vm:spawn({ thread = mode == "thread", shared = mode == "shared" })
      worker:background("sleep 1004 & sleep 1004")
      local finished = worker:background("sleep 1004 & exit 3")
      assert_eq(3, worker:job_wait(finished, 10).exit_code)
      vm:wait_until(function() return #vm:exec("ps | grep '[s]leep 1004$'").stdout.lines() >= 3 end, { interval = 0.05 })
      if ending == "kill" then worker:kill() else assert_error(function() worker:syscall(mode == "thread" and "exit" or "exit_group", 1) end, "exit") end
      vm:wait_until(function() return not vm:exec("ps | grep '[s]leep 1004'").ok end, { timeout = 2, interval = 0.05 })
    end
  end)
end

test("a job's status is its own, whatever the script waits for", function()
  local job = vm:background("exit 5")
  assert_eq(-provium.errno.ECHILD, vm:syscall("wait4", -1, 0, 0, 0))
  assert_eq(5, vm:job_wait(job, 10).exit_code)
end)

test("jobs of workers in their own PID namespace end, are killed, and never signal a process outside", function()
  local machine = provium.create():boot()
  assert_eq(0, machine:syscall("unshare", provium.sys.CLONE_NEWPID))
  local first, second = machine:spawn(), machine:spawn()
  assert_eq(1, first:syscall("getpid"))
  assert_eq(2, second:syscall("getpid"))
  assert_error(function() first:background("true") end, "first process of a pid namespace")
  local job = second:background("exit 5")
  assert(job.pid < 10, "a number of the namespace: " .. job.pid)
  assert_eq(5, second:job_wait(job, 10).exit_code)
  assert_eq(9, second:job_kill(second:background("sleep 1005")).signal)
  second:background("sleep 1005 & sleep 1005")
  second:kill()
  assert(first:syscall("getpid") == 1)
  first:wait_until(function() return not first:exec("ps | grep '[s]leep 1005'").ok end, { timeout = 2, interval = 0.05 })
end)

test("an exit status that a script has taken is an error, never 0", function()
  local worker = vm:spawn()
  local SIGCHLD, SIG_IGN = 17, 1
  assert_eq(0, (worker:syscall_buf("rt_sigaction", 1, provium.pack("u64 24x", SIG_IGN), SIGCHLD, 0, 0, 8)))
  assert_error(function() worker:exec("exit 3") end, "exit status was taken by a wait of the script's own")
  assert_eq(3, worker:job_wait(worker:background("exit 3"), 10).exit_code)
  worker:kill()
end)

test("the last 128 results can be read again, and are removed for new jobs of any worker", { tags = { "heavy" } }, function()
  local jobs = {}
  for i = 1, 140 do
    jobs[i] = vm:background("exit " .. i % 100)
    assert_eq(i % 100, vm:job_wait(jobs[i], 10).exit_code)
  end
  for i = 13, 140 do assert_eq(i % 100, vm:job_wait(jobs[i]).exit_code) end
  assert_error(function() vm:job_wait(jobs[12]) end, "job " .. jobs[12].id)
  local worker = vm:spawn()
  assert_eq(7, worker:job_wait(worker:background("exit 7"), 10).exit_code)
  worker:kill()
end)

test("jobs whose results were not read are kept, and the refusal of a new job says so", { tags = { "heavy" } }, function()
  local machine = provium.create():boot()
  for _ = 1, 128 do machine:background("exit 0") end
  assert_error(function() machine:background("exit 0") end, "128 jobs are running or unread")
end)

test("a stream beyond 64 MiB is cut, which the result says", { tags = { "heavy" } }, function()
  local r = vm:job_wait(vm:background("head -c 70000000 /dev/zero | tr '\\0' y"), "120s")
  assert_eq(true, r.truncated)
  assert_eq(64 << 20, #r.stdout)
  assert_eq("y", r.stdout.value:sub(-1))
  assert_eq(nil, vm:job_wait(vm:background("echo short"), 10).truncated)
end)

test("an unknown job is an error", function()
  assert_error(function() vm:job_wait({ id = 4711, pid = 1 }) end, "4711")
end)

test("a job of a worker is none of the machine's", function()
  local worker = vm:spawn()
  local job = worker:background("echo mine")
  assert_error(function() vm:job_wait(job) end, "vm:job_wait: argument 'job': job " .. job.id .. " is a job of " .. tostring(worker))
  assert_eq("mine\n", worker:job_wait(job, 10).stdout)
  worker:kill()
end)

test("a command with a NUL byte is refused, with the argument's name", function()
  assert_error(function() vm:background("a\0b") end, "vm:background: argument 'cmd'")
end)
