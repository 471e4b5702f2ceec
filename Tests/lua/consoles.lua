-- The serial console, boots that may fail, and a machine that is stopped.

test("the console has the boot from its first line on", function()
  local vm = provium.create():boot { append = "loglevel=7" }
  local console = vm:console()
  assert_match(console:expect("Linux version (%S+)"), "^%d")
  console:expect("Command line:")
  vm:exec("echo 'console test' > /dev/ttyS0 2>/dev/null || echo 'console test' > /dev/console")
  console:expect("console test")
  assert_eq(console, vm:console())
  assert_error(function() console:expect("never printed", 0.2) end, "in the console within 200ms")
end)

test("the guest reads what is written to its console", function()
  local vm = provium.create():boot()
  local tty = vm:exists("/dev/ttyS0") and "/dev/ttyS0" or "/dev/ttyAMA0"
  local reader = vm:start("read line < " .. tty .. "; echo got $line")
  vm:wait_until(function()
    return vm:read_file("/proc/" .. reader:pid() .. "/stat"):match("%) S ") ~= nil
  end)
  vm:console():write("hello\n")
  assert_eq("got hello\n", reader:wait().stdout)
end)

test("the console can be read after a panic", function()
  local vm = provium.create():boot()
  local console = vm:console()
  vm:expect_splat("Kernel panic", function()
    pcall(function() vm:exec("echo c > /proc/sysrq-trigger", { timeout = 20 }) end)
  end)
  console:expect("Kernel panic %- not syncing: ([^\n]+)")
  while console:read() do end
  assert_eq("dead", vm:state())
end)

test("a boot that fails is a result", function()
  local vm = provium.create()
  local r = vm:try_boot { append = "init=/nowhere rdinit=/nowhere root=/dev/nothing panic=-1 loglevel=7" }
  assert_eq(false, r.booted)
  assert_eq("kernel", r.stage)
  assert_contains(r.console, "Kernel panic")
  assert_contains(r.reason, "did not boot")
  assert_eq("panic", r.reports[1].kind)
  vm = provium.create()
  r = vm:try_boot()
  assert_eq(true, r.booted)
  assert_eq(nil, r.reason)
  assert_eq("ready", r.stage)
  assert_eq({}, r.reports)
  assert_error(function() vm:try_boot() end, "the machine is booted already")
  assert_error(function() provium.create():try_boot { memry = "1G" } end, "memory")
end)

test("a machine that is paused stands still", function()
  local vm = provium.create():boot()
  local uptime = function() return tonumber(vm:read_file("/proc/uptime"):match("^%S+")) end
  local before = uptime()
  vm:pause()
  vm:pause()
  assert_eq("paused", vm:state())
  assert_error(function() vm:exec("true") end, "call vm:unpause() first")
  os.execute("sleep 2")
  vm:unpause()
  vm:unpause()
  assert_eq("booted", vm:state())
  assert(uptime() - before < 1.9, "time has passed in a machine that was paused")
  vm:pause()
  vm:shutdown()
  assert_eq("shutdown", vm:state())
end)

test("a non-maskable interrupt reaches the kernel", function()
  local vm = provium.create():boot()
  local count = function()
    local sum = 0
    for n in (vm:read_file("/proc/interrupts"):match("NMI:([%s%d]+)") or ""):gmatch("%d+") do sum = sum + n end
    return sum
  end
  if vm:exec("uname -m").stdout.trim() ~= "x86_64" then skip("counts the NMI line of x86") end
  local before = count()
  vm:nmi()
  vm:wait_until(function() return count() > before end, { desc = "the NMI" })
end)

test("a machine that is not booted has no console", function()
  assert_error(function() provium.create():console():read() end, "not booted yet")
  assert_error(function() provium.create():pause() end, "not booted yet")
end)
