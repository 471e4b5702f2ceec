-- Labs: machines and networks that are saved and resumed together.
provium.claim{ memory = "1G", cpus = 4 }

local function output(lab, text)
  lab.node2:wait_until(function() return lab.node2:read_file("/tmp/out") == text end, { interval = "20ms", timeout = "20s" })
end

test("a TCP connection goes on, and a frame that was on its way arrives", function()
  local lab = provium.lab("cluster")
  output(lab, "before\n")
  lab.networks.lan:from(lab.node1, lab.node2):clear()
  lab.node1:exec("echo after > /tmp/in")
  output(lab, "before\nafter\n")
  assert_eq("10.20.0.1", lab.node1:nic("lan").ip)
  assert(lab.node2:exec("ping -c 1 -W 2 node1").ok)
  lab.node1:kill()
  lab.node2:kill()
end)

test("two labs of one fixture do not meet", function()
  local one, other = provium.lab("cluster"), provium.lab("cluster")
  for _, lab in ipairs{ one, other } do lab.networks.lan:from(lab.node1, lab.node2):clear() end
  one.node1:exec("echo one > /tmp/in")
  other.node1:exec("echo other > /tmp/in")
  output(one, "before\none\n")
  output(other, "before\nother\n")
  assert_error(function() one.networks.lan:partition({ one.node1 }, { other.node2 }) end, "is not on the network lan")
  for _, vm in ipairs{ one.node1, one.node2, other.node1, other.node2 } do vm:kill() end
end)

test("a wrong use says what is wrong", function()
  assert_error(function() provium.lab("clutser") end, "there is no fixture 'clutser' (did you mean 'cluster'?)")
  local lab = provium.lab("node")
  assert_error(function() return lab.vm2 end, "the lab node has no machine 'vm2' (did you mean 'vm1'?); it has: vm1, networks")
  assert_error(function() lab.vm1 = 1 end, "cannot assign 'vm1'")
end)
