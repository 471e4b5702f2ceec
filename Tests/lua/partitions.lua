-- Three nodes of which one has a shared address, as with VRRP: the first that no earlier node answers.
provium.claim{ memory = "1G", cpus = 3 }
local lan = provium.network("lan", { subnet = "10.31.0.0/24" })
local nodes = {}
for number = 1, 3 do
  nodes[number] = provium.fixture("node", { nics = { { network = lan, ip = "10.31.0." .. number } } })
end
local shared = "10.31.0.100"

for number, vm in ipairs(nodes) do
  local nic = vm:nic(lan).name
  local earlier = ""
  for other = 1, number - 1 do earlier = earlier .. " 10.31.0." .. other end
  vm:write_file("/tmp/node", ([[
    while true; do
      alone=true
      for other in%s; do ping -c 1 -W 1 $other > /dev/null && alone=false; done
      if $alone; then ip addr add %s/32 dev %s; arping -U -c 1 -I %s %s; else ip addr del %s/32 dev %s; fi 2> /dev/null
      sleep 0.1
    done]]):format(earlier, shared, nic, nic, shared, shared, nic))
  vm:background("sh /tmp/node > /dev/null")
end

local function owns(number)
  return nodes[number]:exec("ip -4 addr show").stdout.value:find(shared, 1, true) ~= nil
end
local function expect_owners(...)
  local wanted = { ... }
  nodes[3]:wait_until(function()
    return owns(1) == wanted[1] and owns(2) == wanted[2] and owns(3) == wanted[3]
  end, { interval = "50ms", timeout = "30s" })
end

test("each side of a partition elects a node, and one is left after it heals", function()
  expect_owners(true, false, false)
  lan:partition({ nodes[1] }, { nodes[2], nodes[3] })
  expect_owners(true, true, false)
  lan:partition({ nodes[1] }, { nodes[2] }, { nodes[3] })
  expect_owners(true, true, true)
  lan:heal()
  expect_owners(true, false, false)
end)
