-- Networks that lease addresses, also from a server that the script plays, and networks that reach the host.
provium.claim{ memory = "512M", cpus = 2 }
local lan = provium.network("lan", { subnet = "10.11.0.0/24", dhcp = true })
local wan = provium.network("wan", { subnet = "10.12.0.0/24", host = true })
local own = provium.network("own", { subnet = "10.13.0.0/24" })
local vm = provium.create():boot{ memory = "256M", nics = { lan, wan, own } }
vm:write_file("/tmp/lease", '#!/bin/sh\n[ "$1" != bound ] || ip addr add "$ip/$mask" dev "$interface"\n')
vm:exec("chmod +x /tmp/lease")

local function client(network) return "udhcpc -i " .. vm:nic(network).name .. " -n -q -t 5 -T 1 -s /tmp/lease" end
local function addresses(network) return vm:exec("ip -4 addr show dev " .. vm:nic(network).name).stdout.value end

test("a DHCP client gets the address that the network has for it, though the first acknowledgement is lost", function()
  assert(not addresses(lan):find("inet", 1, true))
  lan:drop{ to = vm, udp = 68, nth = 2 }
  local result = vm:exec(client(lan))
  assert(result.ok, result.stderr.value)
  assert_eq(1, lan:counts(vm).matched)
  assert_contains(addresses(lan), "inet " .. vm:nic(lan).ip .. "/24")
  assert(vm:exec("ping -c 1 -W 2 10.11.0.254").ok)
end)

test("a script is a DHCP server that loses an acknowledgement", function()
  local port = own:port{ ip = "10.13.0.9", answer = { "arp" } }
  vm:exec("ip addr flush dev " .. vm:nic(own).name)
  local job = vm:background(client(own))
  local function expect(kind)
    return port:expect(function(f) return f.dhcp and f.dhcp.kind == kind end, "10s")
  end
  local function answer(request, kind)
    port:send{
      ip = { dst = "255.255.255.255" }, udp = { sport = 67, dport = 68 },
      dhcp = {
        kind = kind, xid = request.dhcp.xid, chaddr = request.dhcp.chaddr, yiaddr = "10.13.0.77", server = port.ip,
        mask = "255.255.255.0", lease = 600,
      },
    }
  end
  answer(expect("discover"), "offer")
  assert_eq("10.13.0.77", expect("request").dhcp.requested)
  answer(expect("request"), "ack")
  assert_eq(0, vm:job_wait(job, "20s").exit_code)
  assert_contains(addresses(own), "inet 10.13.0.77/24")
end)

test("a port of this computer leads to a machine on a network with host = true", function()
  local port = wan:forward(vm, 8000)
  local job = vm:background("echo hello | nc -l -p 8000")
  vm:wait_until(function()
    return (vm:read_file("/proc/net/tcp") .. vm:read_file("/proc/net/tcp6")):find(":1F40 ", 1, true)
  end, { interval = "20ms" })
  local program = io.popen("bash -c 'exec 3<>/dev/tcp/127.0.0.1/" .. port .. "; head -n 1 <&3'")
  assert_eq("hello", program:read("l"))
  program:close()
  vm:job_wait(job, "10s")
  assert_contains(vm:read_file("/etc/resolv.conf"), "nameserver 10.12.0.253")
  assert_contains(vm:exec("ip route").stdout.value, "default via 10.12.0.254")
  assert_error(function() wan:forward(vm, 8001, port) end, "cannot be forwarded")
end)

test("a wrong use says what is wrong", function()
  assert_error(function() lan:forward(vm, 80) end, "create it with host = true")
  assert_error(function() provium.network("x", { dhcp = true, subnet = "fd01::/64" }) end, "needs an IPv4 subnet")
  assert_error(function() provium.network("x", { host = true, subnet = "fd01::/64" }) end, "one subnet, of IPv4")
  assert_error(function() provium.network("x", { host = true, dhcp = true }) end, "exclude each other")
  provium.network("x")
end)
