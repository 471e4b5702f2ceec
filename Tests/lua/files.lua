-- Files of any size and kind, in both directions.
local vm = provium.create():boot()

test("bytes pass unharmed in both directions", function()
  local all = {}
  for i = 0, 255 do all[#all + 1] = string.char(i) end
  local data = table.concat(all):rep(100)
  vm:write_file("/tmp/bytes", data)
  assert_eq(data, vm:read_file("/tmp/bytes"))
end)

test("files larger than one message are whole", function()
  local data = ("0123456789abcdef"):rep(17 * 65536)
  vm:write_file("/tmp/big", data)
  assert_eq(#data, tonumber(vm:exec("wc -c < /tmp/big").stdout.trim()))
  assert_eq(data, vm:read_file("/tmp/big"))
  vm:exec("rm /tmp/big")
end)

test("an empty file is written and read", function()
  vm:write_file("/tmp/empty", "")
  assert_eq("", vm:read_file("/tmp/empty"))
end)

test("a mode is set exactly, whatever the umask", function()
  vm:write_file("/tmp/script", "#!/bin/sh\necho ran\n", 493) -- 0755
  assert_eq("755", vm:exec("stat -c %a /tmp/script").stdout.trim())
  assert_eq("ran\n", vm:exec("/tmp/script").stdout)
end)

test("files of /proc and /sys are read though their size is 0", function()
  assert_contains(vm:read_file("/proc/version"), "Linux version")
  assert_match(vm:read_file("/sys/kernel/uevent_seqnum"), "^%d+\n$")
end)

test("what the guest refuses carries errno and path", function()
  assert_contains(tostring(assert_error(function() vm:read_file("/nowhere") end, "ENOENT")), "/nowhere")
  assert_error(function() vm:read_file("/tmp") end, "EISDIR")
  assert_error(function() vm:write_file("/nowhere/file", "x") end, "ENOENT")
  assert_error(function() vm:write_file("/proc/sys/kernel/ostype", "x") end, "/proc/sys/kernel/ostype")
end)

test("the kernel log is read, and searched", function()
  vm:exec("echo provium-was-here > /dev/kmsg")
  assert_contains(vm:dmesg(), "provium-was-here")
  assert_match(vm:dmesg("provium-was-h[a-e]re"), "provium")
  assert_eq("", vm:dmesg("nobody wrote this"))
end)

test("dmesg takes the patterns of grep", function()
  vm:exec("echo 'core[3]: ready' > /dev/kmsg; echo core-up > /dev/kmsg; printf 'a\\377b' > /dev/kmsg")
  for _, pattern in ipairs { "core\\[3\\]", "core-up\\|nothing", "co\\(re\\)", "r\\{1,2\\}eady", "core\\[[[:digit:]]\\]: ready$" } do
    assert_match(vm:dmesg(pattern), "core", pattern)
  end
  assert_eq("", vm:dmesg("core(3)"))
  assert_eq("", vm:dmesg("core+"))
  assert_error(function() vm:dmesg("core\\(") end, "vm:dmesg: argument 'pattern' is not a basic regular expression")
end)

test("mount_vfs mounts what is missing, once, and leaves what is there", function()
  local function mounts(target)
    local count = 0
    for line in vm:read_file("/proc/mounts"):gmatch("[^\n]+") do
      if line:find(" " .. target .. " ", 1, true) then count = count + 1 end
    end
    return count
  end
  vm:mount_vfs()
  vm:mount_vfs()
  for _, target in ipairs { "/proc", "/sys", "/dev" } do assert_eq(1, mounts(target), target) end
  assert(vm:exec("mount -t tmpfs mine /dev && echo kept > /dev/mine").ok)
  vm:mount_vfs()
  assert_eq("kept\n", vm:read_file("/dev/mine"))
  assert(vm:exec("umount /dev && umount /sys/kernel/security; umount /sys").ok)
  vm:mount_vfs()
  assert_eq(1, mounts("/sys"))
end)

test("files are injected under names of any bytes, and names that only look the same are two", function()
  local names = { "/tmp/\u{e9}", "/tmp/e\u{301}", "/tmp/\xff", "/tmp/caf\xe9/x" }
  local files = {}
  for _, name in ipairs(names) do files[name] = { content = "this is " .. name } end
  local other = provium.create():boot { memory = "192M", files = files }
  for _, name in ipairs(names) do assert_eq("this is " .. name, other:read_file(name)) end
  other:kill()
end)

test("the status of a file is what its kernel says", function()
  vm:write_file("/tmp/status", "12345", 416) -- 0640
  local status = vm:stat("/tmp/status")
  assert_eq("file", status.type)
  assert_eq(416, status.mode)
  assert_eq(5, status.size)
  assert_eq(0, status.uid)
  assert_eq(tonumber(vm:exec("stat -c %Y /tmp/status").stdout.trim()), math.floor(status.mtime))
  assert_eq("directory", vm:stat("/tmp").type)
  assert_eq("character", vm:stat("/dev/null").type)
  assert_error(function() vm:stat("/nowhere") end, "ENOENT")
end)

test("folders are made, listed and removed", function()
  vm:mkdir("/tmp/tree", { mode = 448 }) -- 0700
  assert_eq(448, vm:stat("/tmp/tree").mode)
  assert_error(function() vm:mkdir("/tmp/tree") end, "EEXIST")
  assert_error(function() vm:mkdir("/tmp/none/deep") end, "ENOENT")
  vm:mkdir("/tmp/tree/a/b/c", { parents = true })
  vm:mkdir("/tmp/tree/a/b/c", { parents = true })
  vm:write_file("/tmp/tree/a/file", "x")
  vm:symlink("/etc", "/tmp/tree/a/link")
  assert_eq({ "b", "file", "link" }, vm:list("/tmp/tree/a"))
  assert_error(function() vm:mkdir("/tmp/tree/a/file", { parents = true }) end, "not a directory")
  assert_error(function() vm:remove("/tmp/tree") end, "ENOTEMPTY")
  vm:remove("/tmp/tree", { recursive = true })
  assert_eq(false, vm:exists("/tmp/tree"))
  assert_eq(true, vm:exists("/etc")) -- the link was removed and not followed
  assert_error(function() vm:remove("/tmp/tree") end, "/tmp/tree")
  assert_error(function() vm:list("/nowhere") end, "ENOENT")
end)

test("links, names and permissions are changed", function()
  vm:write_file("/tmp/one", "text")
  vm:symlink("one", "/tmp/to-one")
  assert_eq("one", vm:readlink("/tmp/to-one"))
  assert_eq("symlink", vm:stat("/tmp/to-one").type)
  vm:chmod("/tmp/one", 292) -- 0444
  assert_eq(292, vm:stat("/tmp/one").mode)
  vm:rename("/tmp/one", "/tmp/two")
  assert_eq(false, vm:exists("/tmp/one"))
  assert_eq(true, vm:exists("/tmp/to-one")) -- a link that leads nowhere is there
  assert_error(function() vm:read_file("/tmp/to-one") end, "ENOENT")
  assert_error(function() vm:readlink("/tmp/two") end, "EINVAL")
  assert_error(function() vm:rename("/tmp/one", "/tmp/three") end, "ENOENT")
  assert_error(function() vm:chmod("/tmp/two", 4096) end, "argument 'mode' must be an integer from 0 to 4095")
  vm:remove("/tmp/to-one")
  vm:remove("/tmp/two")
end)

test("patterns find paths as in a shell", function()
  vm:mkdir("/tmp/glob/sub", { parents = true })
  for _, name in ipairs { "b.txt", "a.txt", "c.log", ".hidden.txt", "sub/d.txt" } do
    vm:write_file("/tmp/glob/" .. name, "")
  end
  assert_eq({ "/tmp/glob/a.txt", "/tmp/glob/b.txt" }, vm:glob("/tmp/glob/*.txt"))
  assert_eq({ "/tmp/glob/sub/d.txt" }, vm:glob("/tmp/g*b/*/[d-e].txt"))
  assert_eq({}, vm:glob("/tmp/glob/*.none"))
  assert_eq({ "/tmp/glob/c.log" }, vm:glob("/tmp/glob/c.log"))
  assert_eq({ "/tmp/glob/.hidden.txt" }, vm:glob("/tmp/glob/.h*"))
  vm:remove("/tmp/glob", { recursive = true })
end)

test("a worker's file calls have the worker's credentials", function()
  vm:mkdir("/tmp/private", { mode = 448 })
  local worker = vm:spawn()
  assert_eq(0, worker:syscall("setuid", 1000))
  assert_error(function() worker:list("/tmp/private") end, "EACCES")
  assert_error(function() worker:mkdir("/tmp/private/x") end, "EACCES")
  worker:kill()
  vm:remove("/tmp/private")
end)
