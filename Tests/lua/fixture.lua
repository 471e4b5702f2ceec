-- Machines resumed from fixtures.
local sys = provium.sys

test("everything that the fixture set up is there", function()
  local vm = provium.fixture("base")
  assert_eq("booted", vm:state())
  assert_contains(vm:read_file("/proc/modules"), "dummy")
  assert_eq("kept\n", vm:read_file("/tmp/from-base"))
  assert(vm:exec("pidof sleep").ok)
  -- The descriptor that the fixture's script opened is the first free one, and still open.
  local n, text = vm:syscall_buf("pread64", 1, (" "):rep(5), 3, 0, 5, 0)
  assert_eq(5, n)
  assert_eq("Linux", text)
end)

test("siblings do not see each other's writes", function()
  local one, two = provium.fixture("base"), provium.fixture("base")
  one:write_file("/tmp/from-base", "changed\n")
  assert_eq("kept\n", two:read_file("/tmp/from-base"))
  assert_eq("kept\n", provium.fixture("base"):read_file("/tmp/from-base"))
end)

test("siblings have random numbers of their own, and the present time", function()
  local one, two = provium.fixture("base"), provium.fixture("base")
  local function random(vm)
    local _, bytes = vm:syscall_buf("getrandom", 0, ("\0"):rep(32), 0, 32, 0)
    return bytes
  end
  assert_ne(random(one), random(two))
  local here, there = os.time(), tonumber(one:exec("date +%s").stdout.trim())
  assert(math.abs(here - there) <= 2, "the clock is " .. (there - here) .. " s off")
end)

test("a nested fixture starts from another one, and leaves it alone", function()
  local vm = provium.fixture("nested")
  assert_eq("kept\n", vm:read_file("/tmp/from-base"))
  assert_eq("also kept\n", vm:read_file("/tmp/from-nested"))
  assert_error(function() provium.fixture("base"):read_file("/tmp/from-nested") end, "ENOENT")
end)

test("an unknown fixture is named, with the nearest one", function()
  assert_error(function() provium.fixture("bsae") end, "base")
end)
