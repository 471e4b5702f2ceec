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
  assert_match(vm:dmesg("provium%-was%-h[a-e]re"), "provium")
  assert_eq("", vm:dmesg("nobody wrote this"))
end)
