-- Networks of machines: addresses, names, impairments, stations, captures, snapshots.
provium.claim{ memory = "1G", cpus = 4 }
local lan = provium.network("lan", { subnet = { "10.7.0.0/24", "fd07::/64" } })
local a = provium.create():boot{ memory = "256M", nics = { lan }, hostname = "a" }
local b = provium.create():boot{ memory = "256M", nics = {{ network = lan, ip = "10.7.0.20", mac = "02:00:00:00:07:20" }}, hostname = "b" }

local function pings(from, to, options)
  return from:exec("ping " .. (options or "-c 1 -W 2") .. " " .. to).ok
end

-- Counts of TCP (RFC 4898), from /proc/net/snmp.
local function tcp_count(vm, name)
  local names, values = vm:read_file("/proc/net/snmp"):match("Tcp: (%a[^\n]*)\nTcp: ([^\n]*)")
  local position = 0
  local values_iterator = values:gmatch("%S+")
  for key in names:gmatch("%S+") do
    local value = values_iterator()
    position = position + 1
    if key == name then return math.tointeger(tonumber(value)) end
  end
  error("no count " .. name)
end

test("machines have the addresses and names that were asked for", function()
  assert_eq("10.7.0.1", a:nic(lan).ip)
  assert_eq("10.7.0.20", b:nic("lan").ip)
  assert_eq("02:00:00:00:07:20", b:nic(1).mac)
  local name = b:nic(lan).name
  assert_eq("02:00:00:00:07:20\n", b:read_file("/sys/class/net/" .. name .. "/address"))
  assert_eq("b\n", b:exec("hostname").stdout.value)
  assert(pings(a, "b"))
  assert(pings(b, "a"))
  assert(pings(a, b:nic(lan).ip6))
end)

test("TCP carries everything through a link that loses one frame in ten, and repeats segments", function()
  lan:between(a, b):set{ loss = 0.1, seed = 7 }
  a:exec("head -c 300000 /dev/urandom > /tmp/data")
  local before = tcp_count(a, "RetransSegs")
  -- The end of the server's input would end the connection before everything has been sent.
  local server = b:background("mkfifo /tmp/open && exec nc -l -p 5000 <> /tmp/open > /tmp/data")
  b:wait_until(function()
    return (b:read_file("/proc/net/tcp") .. b:read_file("/proc/net/tcp6")):find(":1388 ", 1, true)
  end, { interval = "20ms" })
  assert(a:exec("nc b 5000 < /tmp/data", { timeout = "60s" }).ok)
  assert_eq(0, b:job_wait(server, "60s").exit_code)
  assert_eq(a:exec("md5sum < /tmp/data").stdout.value, b:exec("md5sum < /tmp/data").stdout.value)
  assert(tcp_count(a, "RetransSegs") > before)
  assert(lan:counts(b).lost > 0)
  lan:between(a, b):clear()
end)

test("one machine serves while another one connects, by two functions that run side by side", function()
  local got, ok = provium.all{
    function() return b:exec("mkfifo /tmp/hold && nc -l -p 6000 <> /tmp/hold", { timeout = "60s" }).stdout.value end,
    function() return a:exec("until echo hello | nc b 6000; do sleep 0.1; done", { timeout = "60s" }).ok end,
  }
  assert_eq("hello\n", got)
  assert(ok)
end)

test("a delay is the round trip's, in both directions", function()
  lan:between(a, b):set{ delay = "60ms" }
  local time = a:exec("ping -c 2 b").stdout.value:match("min/avg/max = ([%d.]+)")
  assert(tonumber(time) >= 120, "round trip of " .. time .. " ms")
  lan:between(a, b):clear()
end)

test("a partition separates machines until it heals", function()
  lan:partition({ a }, { b })
  assert(not pings(a, "b", "-c 1 -W 1"))
  lan:heal()
  assert(pings(a, "b"))
  assert(lan:counts(b).partitioned > 0)
end)

test("one direction can be cut", function()
  local before = lan:counts(b).sent
  lan:from(b, a):set{ cut = true }
  assert(not pings(a, "b", "-c 1 -W 1"))
  assert(lan:counts(b).sent > before)
  assert(lan:counts(a).cut > 0)
  lan:from(b, a):clear()
  assert(pings(a, "b"))
end)

test("the n-th frame that matches is dropped, and no other", function()
  local before = lan:counts(b).matched
  lan:drop{ from = a, to = b, icmp = true, nth = 2 }
  local result = a:exec("ping -c 3 -W 5 b").stdout.value
  assert_contains(result, "3 packets transmitted, 2 packets received")
  assert_eq(before + 1, lan:counts(b).matched)
  lan:undrop()
end)

test("a machine sees its link go down and come up", function()
  local carrier = "/sys/class/net/" .. a:nic(lan).name .. "/carrier"
  a:nic(lan):down()
  a:wait_until(function() return a:read_file(carrier) == "0\n" end, { interval = "20ms" })
  a:nic(lan):up()
  a:wait_until(function() return a:read_file(carrier) == "1\n" end, { interval = "20ms" })
  assert(pings(a, "b"))
end)

test("a device that was unplugged is gone from the guest, from its snapshots too, and comes back with its addresses", function()
  local nic = a:nic(lan)
  local path = "/sys/class/net/" .. nic.name
  nic:unplug()
  nic:unplug()
  assert(not a:exec("test -e " .. path).ok)
  assert_error(function() nic:down() end, "is unplugged")
  local without = a:snapshot()
  nic:plug()
  nic:plug()
  assert_eq(nic.mac .. "\n", a:read_file("/sys/class/net/" .. nic.name .. "/address"))
  assert(pings(b, "a"))
  a:restore(without)
  assert(not a:exec("test -e " .. path).ok)
  a:nic(lan):plug()
  assert(pings(b, "a"))
  assert(pings(a, b:nic(lan).ip6))
end)

test("a capture has the frames of a ping", function()
  local path = os.tmpname()
  lan:capture(path)
  assert(pings(a, "b"))
  assert(lan:stop_capture() >= 4)
  local file = assert(io.open(path, "rb"))
  local bytes = file:read("a")
  file:close()
  os.remove(path)
  assert_eq("\x0a\x0d\x0d\x0a", bytes:sub(1, 4))
  -- An echo request from a to b: addresses, then type 8, code 0.
  assert(bytes:find("\x0a\x07\x00\x01\x0a\x07\x00\x14\x08\x00", 1, true) ~= nil)
end)

test("a script plays a station", function()
  local port = lan:port{ ip = "10.7.0.99", answer = { "arp", "ping" } }
  assert(pings(a, "10.7.0.99"))
  local seen = 0
  port:on("icmp", function(frame) seen = seen + 1 end)
  local frame = port:expect(function(f) return f.icmp and f.icmp.type == 8 and f.ip.version == 4 end)
  assert_eq("10.7.0.1", frame.ip.src)
  assert_eq(a:nic(lan).mac, frame.eth.src)
  assert(seen >= 1)
  port:clear()
  port:send{ eth = { dst = a:nic(lan).mac }, ip = { dst = "10.7.0.1" }, udp = { sport = 9, dport = 9999 }, payload = "x" }
  -- Port unreachable.
  local answer = port:expect(function(f) return f.icmp and f.icmp.type == 3 end)
  assert_eq(3, answer.icmp.code)
  assert_error(function() port:expect(function() return false end, "50ms") end, "no frame that was expected")
end)

test("a restored machine is on its network again, its link as it was", function()
  local state = a:snapshot()
  assert(pings(b, "a"))
  a:nic(lan):down()
  a:restore(state)
  assert(pings(b, "a"))
  assert(pings(a, "b"))
  assert_eq("10.7.0.1", a:nic(lan).ip)
end)

test("a machine that was reset knows the names of the others", function()
  a:reset()
  assert(pings(a, "b"))
end)

test("two machines that were resumed from one fixture have addresses of their own", function()
  local one = provium.fixture("node", { nics = { lan }, hostname = "one" })
  local other = provium.fixture("node", { nics = { lan }, hostname = "other" })
  assert(one:nic(lan).mac ~= other:nic(lan).mac)
  for _, vm in ipairs{ one, other } do
    local name = vm:nic(lan).name
    assert_eq(vm:nic(lan).mac .. "\n", vm:read_file("/sys/class/net/" .. name .. "/address"))
  end
  assert(pings(one, "other"))
  assert(pings(other, "one"))
  assert(pings(a, "one"))
  assert(pings(one, "b"))
  one:kill()
  other:kill()
end)

test("a wrong use says what is wrong", function()
  assert_error(function() provium.network("lan") end, "already")
  assert_error(function() provium.network("other", { subnet = "10.7.0.128/25" }) end, "overlaps")
  assert_error(function() provium.network("other", { subnet = "10.7.0.0" }) end, "a subnet")
  local small = provium.network("small", { subnet = "10.8.0.0/30" })
  small:port{}
  small:port{}
  assert_error(function() small:port{} end, "no free address")
  assert_error(function() lan:port{ mac = "02:00:00:00:07:20" } end, "another interface")
  assert_error(function() lan:port{ ip = "10.9.0.1" } end, "in no subnet")
  local wide = provium.network("wide", { subnet = "10.10.0.0/24", mtu = 9000 })
  local function boot(nic) return function() provium.create():boot{ nics = { nic } } end end
  assert_error(boot{ network = wide, model = "rtl8139" }, "carries an MTU of 1500 at most, and the network wide has 9000")
  assert_error(boot{ network = lan, model = "ne2000" }, "e1000e")
  assert_error(function() lan:between(a, b):set{ loss = 2 } end, "loss must be from 0 to 1")
  assert_error(function() small:between(a, b) end, "is not on the network small")
  assert_error(function() lan:partition({ a }, { a }) end, "in a group already")
  assert_error(function() provium.fixture("node", { nics = { lan, lan } }) end, "has 1 network device, not 2")
end)

-- The pair is one test: the second sub-test starts from the state that the first one found.
for number = 1, 2 do
  test("a fresh sub-test finds a network without the impairments of another one " .. number, { fresh = true }, function()
    assert(pings(a, "b"))
    lan:partition({ a }, { b })
    lan:between(a, b):set{ cut = true }
    lan:drop{ icmp = true }
    a:nic(lan):down()
    assert(not pings(b, "a", "-c 1 -W 1"))
  end)
end
