-- Folders that are copied between host and guest.
local vm = provium.create():boot()
local host = os.tmpname()
os.remove(host)
assert(os.execute("mkdir -p " .. host))

test("a folder arrives with its modes, links and times", function()
  assert(os.execute(([[cd %s && mkdir -p in/sub/empty && printf one > in/one && printf '\377\000' > in/sub/bytes &&
    chmod 755 in/one && chmod 700 in/sub && ln -s ../one in/sub/link && ln -s /nowhere in/dangling &&
    touch -d '2001-02-03 04:05:06.5' in/one in/sub]]):format(host)))
  vm:push(host .. "/in", "/tmp/pushed/deep")
  assert_eq("one", vm:read_file("/tmp/pushed/deep/one"))
  assert_eq("\255\0", vm:read_file("/tmp/pushed/deep/sub/bytes"))
  assert_eq(493, vm:stat("/tmp/pushed/deep/one").mode)
  assert_eq(448, vm:stat("/tmp/pushed/deep/sub").mode)
  assert_eq("../one", vm:readlink("/tmp/pushed/deep/sub/link"))
  assert_eq("/nowhere", vm:readlink("/tmp/pushed/deep/dangling"))
  assert_eq({}, vm:list("/tmp/pushed/deep/sub/empty"))
  local time = vm:stat("/tmp/pushed/deep/one").mtime_ns
  assert_eq(500000000, time % 1000000000)
  assert_eq(time, vm:stat("/tmp/pushed/deep/sub").mtime_ns)
  vm:push(host .. "/in", "/tmp/pushed/deep") -- again, over itself
  assert_eq("../one", vm:readlink("/tmp/pushed/deep/sub/link"))
end)

test("a folder comes back as it was", function()
  assert_eq({}, vm:pull("/tmp/pushed/deep", host .. "/out"))
  assert(os.execute(("cd %s && diff -r --no-dereference in out"):format(host)))
  local times = ("cd %s && test \"$(stat -c '%%a %%Y' in/one in/sub)\" = \"$(stat -c '%%a %%Y' out/one out/sub)\""):format(host)
  assert(os.execute(times))
end)

test("a guest cannot write outside of the folder", function()
  vm:mkdir("/tmp/trap")
  vm:symlink("..", "/tmp/trap/up")
  vm:write_file("/tmp/trap/suid", "x", 2541) -- 04755
  assert_eq({}, vm:pull("/tmp/trap", host .. "/trap"))
  -- The same name is a folder now: it must replace the link and not follow it.
  vm:remove("/tmp/trap/up")
  vm:mkdir("/tmp/trap/up")
  vm:write_file("/tmp/trap/up/escaped", "x")
  assert_eq({}, vm:pull("/tmp/trap", host .. "/trap"))
  assert(not io.open(host .. "/escaped"), "the pull followed a link of the guest")
  assert(io.open(host .. "/trap/up/escaped"))
  assert(os.execute(("test \"$(stat -c %%a %s/trap/suid)\" = 755"):format(host)))
end)

test("what is no file is left out or refused, by name", function()
  vm:exec("mkfifo /tmp/trap/fifo")
  assert_eq({ "/tmp/trap/fifo" }, vm:pull("/tmp/trap", host .. "/trap"))
  assert(os.execute("mkfifo " .. host .. "/in/fifo"))
  assert_error(function() vm:push(host .. "/in", "/tmp/x") end, "fifo is no regular file")
  os.remove(host .. "/in/fifo")
  assert_error(function() vm:push(host .. "/nothing", "/tmp/x") end, "is no folder of the host")
  assert_error(function() vm:pull("/etc/passwd", host .. "/y") end, "ENOTDIR")
  assert_error(function() vm:pull("/nowhere", host .. "/y") end, "ENOENT")
end)

os.execute("rm -rf " .. host)
