-- Networks without VMs: stations that the script plays.
local lan = provium.network("lan", { subnet = "10.30.0.0/24" })
local from, to = lan:port{ ip = "10.30.0.1" }, lan:port{ ip = "10.30.0.2" }

local function send(number)
  from:send{ eth = { dst = to.mac, type = 0x88B5 }, payload = string.pack(">I2", number) }
end

-- The numbers of the frames that arrive, of 200 that are sent.
local function arrived(seed)
  to:clear()
  lan:from(from, to):set{ loss = 0.3, duplicate = 0.1, seed = seed }
  for number = 1, 200 do send(number) end
  lan:from(from, to):clear()
  send(0)
  local numbers = {}
  while true do
    local number = string.unpack(">I2", to:expect(function() return true end).payload)
    if number == 0 then return table.concat(numbers, " ") end
    numbers[#numbers + 1] = number
  end
end

test("the same seed drops and repeats the same frames, another seed others", function()
  local first = arrived(42)
  assert_eq(first, arrived(42))
  assert(first ~= arrived(43))
  assert(lan:counts(to).lost > 100)
end)

test("frames of 10 and of 100,000 bytes are dropped and counted, and the network goes on", function()
  from:send("0123456789")
  from:send(string.rep("x", 100000))
  assert_eq(1, lan:counts(from).runt)
  assert_eq(1, lan:counts(from).oversized)
  to:clear()
  send(7)
  assert_eq(7, (string.unpack(">I2", to:expect(function() return true end).payload)))
end)

test("a frame from another address than the station's own is delivered and counted", function()
  from:send{ eth = { src = "02:00:00:00:00:77", dst = to.mac, type = 0x88B5 }, payload = "x" }
  assert_eq("02:00:00:00:00:77", to:expect(function(f) return f.payload == "x" end).eth.src)
  assert_eq(1, lan:counts(from).foreign)
end)

test("a station sends the DNS message of a table", function()
  from:send{
    eth = { dst = to.mac }, ip = { dst = to.ip }, udp = { sport = 53, dport = 4000 },
    dns = { id = 7, name = "a.example", response = true, answers = { "10.30.0.9" } },
  }
  local frame = to:expect(function(f) return f.dns ~= nil end)
  assert_eq("a.example", frame.dns.name)
  assert_eq(7, frame.dns.id)
  assert(frame.dns.response)
  assert_eq("\x0a\x1e\x00\x09", frame.payload:sub(-4))
end)

test("a flood of other frames does not prolong a wait", function()
  local echo = lan:port{ ip = "10.30.0.3" }
  echo:on("any", function(f) from:send{ eth = { dst = echo.mac, type = 0x88B5 }, payload = "again" } end)
  from:send{ eth = { dst = echo.mac, type = 0x88B5 }, payload = "first" }
  assert_error(function() echo:expect(function() return false end, "50ms") end, "no frame that was expected")
end)

test("a wrong use says what is wrong", function()
  assert_error(function() from:send{ udp = {} } end, "'ip'")
  assert_error(function() from:send{ ip = { dst = "fd07::1", src = "10.0.0.1" } } end, "two families")
  assert_error(function() from:send{ dhcp = { xid = 1 } } end, "'kind'")
  assert_error(function() from:send{ dhcp = { kind = "offer", yiaddr = "fd07::1" } } end, "IPv4")
  assert_error(function() from:answer("arp", {}) end, "is for 'dns' alone")
  assert_error(function() from:answer("chess") end, "sink")
end)
