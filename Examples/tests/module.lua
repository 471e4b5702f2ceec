-- A kernel module of the distribution, loaded, used and removed.
local vm = provium.create():boot()

test("loading the dummy driver brings its network device", function()
  assert(vm:exec("modprobe dummy numdummies=2").ok)
  assert_contains(vm:read_file("/proc/modules"), "dummy ")
  local links = vm:exec("ip -o link").stdout
  assert_contains(links, "dummy0")
  assert_contains(links, "dummy1")
end)

test("a dummy device carries an address, and takes a ping", function()
  assert(vm:exec("ip addr add 192.0.2.1/24 dev dummy0 && ip link set dummy0 up").ok)
  assert(vm:exec("ip link set lo up && ping -c 1 -W 2 192.0.2.1").ok)
end)

test("a module in use is not removed", function()
  assert(vm:exec("modprobe loop").ok)
  assert(vm:exec("dd if=/dev/zero of=/tmp/disk bs=1024 count=64 && losetup /dev/loop0 /tmp/disk").ok)
  local refused = vm:exec("rmmod loop")
  assert(not refused.ok)
  assert(vm:exec("losetup -d /dev/loop0").ok)
end)

test("removing the driver removes the devices", function()
  assert(vm:exec("rmmod dummy").ok)
  assert(not vm:exec("ip link show dummy0").ok)
end)
