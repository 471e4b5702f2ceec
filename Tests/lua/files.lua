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
  assert_error(function() vm:dmesg("core\\(") end, "vm:dmesg: argument 'pattern' is no basic regular expression")
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
