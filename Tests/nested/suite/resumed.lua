-- Machines resumed from a fixture: each with a CID of its own, which its kernel adopts.
local vsock = dofile("vsock.lua")
provium.fixture("base"):kill() -- built by now

test("what the fixture set up is there: file, job, the main agent's descriptor", function()
  vsock.sample("resume", 12, function() provium.fixture("base"):kill() end)
  local vm = provium.fixture("base")
  assert_eq("kept\n", vm:read_file("/tmp/from-base"))
  assert(vm:exec("pidof sleep").ok)
  local fd = tonumber(vm:read_file("/tmp/fd"))
  local n, text = vm:syscall_buf("pread64", 1, (" "):rep(5), fd, 0, 5, 0)
  assert_eq(5, n)
  assert_eq("Linux", text)
end)

test("two siblings run at once, each with its own CID, file and random numbers", function()
  local one, two = provium.fixture("base"), provium.fixture("base")
  local first, second = vsock.cid(one), vsock.cid(two)
  assert(first >= 10 and second >= 10)
  assert_ne(first, second)
  local built = tonumber(one:read_file("/tmp/cid"))
  assert(first ~= built or second ~= built, "a resumed machine kept the CID it was built with")
  print(("CIDs: built with %d, resumed with %d and %d"):format(built, first, second))
  one:write_file("/tmp/from-base", "changed\n")
  assert_eq("kept\n", two:read_file("/tmp/from-base"))
  local function random(vm)
    local _, bytes = vm:syscall_buf("getrandom", 0, ("\0"):rep(32), 0, 32, 0)
    return bytes
  end
  assert_ne(random(one), random(two))
  for _ = 1, 5 do
    assert_eq(first, vsock.cid(one))
    assert_eq(second, vsock.cid(two))
  end
end)

test("a resumed machine gives workers, and goes back to a snapshot with one", function()
  local vm = provium.fixture("base")
  local worker = vm:spawn()
  worker:syscall("setresuid", 1000, 1000, 1000)
  local thread = vm:spawn({ thread = true })
  local s = vm:snapshot()
  vm:write_file("/tmp/from-base", "changed\n")
  vm:restore(s)
  assert_eq("kept\n", vm:read_file("/tmp/from-base"))
  assert_eq(1000, worker:syscall("getuid"))
  assert_eq(thread:pid(), thread:syscall("gettid"))
end)
