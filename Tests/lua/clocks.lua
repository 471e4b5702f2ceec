-- Clocks that differ from the host's, and boots of one handle after another.
local start = 1935817689 -- 2031-05-06T07:08:09
local vm = provium.create():boot{ initial_time = "2031-05-06T07:08:09" }

local function assert_near_start(seconds)
  assert(seconds >= start and seconds < start + 900, ("%f s after the start"):format(seconds - start))
end

test("the real time begins at initial_time, and a snapshot keeps it", function()
  assert_near_start(vm:clock():get())
  vm:snapshot()
  assert_near_start(vm:clock():get())
end)

test("a worker with a time offset has monotonic clocks ahead of the guest's", function()
  local worker = vm:spawn{ time_offset = "1000h" }
  local theirs = tonumber((tostring(worker:exec("cat /proc/uptime").stdout):match("^%S+")))
  assert(theirs >= 3600000, theirs)
  assert(vm:clock():get("monotonic") < 3600000)
  worker:kill()
  assert_error(function() vm:spawn{ thread = true, time_offset = 1 } end, "only a worker that is a process")
end)

test("a reboot keeps the handle, and not what the old boot had", function()
  vm:write_file("/tmp/mark", "x")
  local worker = vm:spawn()
  assert_eq(vm, vm:reboot())
  assert(not vm:exists("/tmp/mark"))
  assert_near_start(vm:clock():get())
  assert_error(function() worker:exec("true") end, "earlier boot")
end)

test("an initial time or a clock that no VM can have is refused with what is accepted", function()
  local function refused(options, message)
    assert_error(function() provium.create():boot(options) end, message)
  end
  refused({ initial_time = "2030-02-30" }, "seconds since 1970")
  refused({ initial_time = 5 }, "a time from 2000-01-01 to 2099-12-31")
  refused({ clock = "slow" }, '"fast", "real"')
  refused({ clock = "fast", disks = { { id = "data", size = "1M" } } }, "cannot be fast in a VM with the served disk 'data'")
end)

test("with a fast clock a long sleep ends soon, also after a snapshot", function()
  local fast = provium.create()
  local ok, problem = pcall(fast.boot, fast, { clock = "fast" })
  if not ok and tostring(problem):find("cannot be fast with KVM", 1, true) then skip(tostring(problem)) end
  assert(ok, problem)
  local begin, before = os.time(), fast:clock():get("monotonic")
  assert(fast:exec("sleep 1000").ok)
  fast:restore(fast:snapshot())
  assert(fast:exec("sleep 1000").ok)
  assert(fast:clock():get("monotonic") - before >= 2000)
  assert(os.time() - begin < 500)
end)
