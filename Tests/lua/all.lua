-- provium.all: functions that run side by side. networks.lua has one that serves while another one connects.
provium.claim{ memory = "512M", cpus = 2 }

local one, other = provium.all{
  function() return provium.fixture("base") end,
  function() return provium.fixture("base") end,
}

test("results come in the order of the functions", function()
  local first, second, third = provium.all{
    function() return one:exec("sleep 0.2; echo one").stdout.value, "not used" end,
    function() return other:exec("echo other").stdout.value end,
    function() end,
  }
  assert_eq("one\n", first)
  assert_eq("other\n", second)
  assert_eq(nil, third)
end)

test("a function runs while another one waits", function()
  local steps = {}
  provium.all{
    function()
      one:wait_until(function() return #steps > 0 end, { interval = "10ms" })
      steps[#steps + 1] = "waited"
    end,
    function()
      other:exec("true")
      steps[#steps + 1] = "went on"
    end,
  }
  assert_eq("went on, waited", table.concat(steps, ", "))
end)

test("calls on one machine wait for each other", function()
  local counts = { provium.all{
    function() return one:exec("echo x >> /tmp/all; wc -l < /tmp/all").stdout.value end,
    function() return one:exec("echo x >> /tmp/all; wc -l < /tmp/all").stdout.value end,
    function() return one:exec("echo x >> /tmp/all; wc -l < /tmp/all").stdout.value end,
  } }
  assert_eq("1\n2\n3\n", table.concat(counts))
end)

test("a failure ends the other functions, and their machines live on", function()
  local ended = false
  assert_error(function()
    provium.all{
      function()
        pcall(function() one:exec("sleep 1000", { timeout = "1000s" }) end)
        ended = true
      end,
      function() other:exec("true"); assert_eq(1, 2) end,
      function() while true do pcall(function() other:exec("true") end) end end,
    }
  end, "function 2 of provium.all: ")
  assert_eq(false, ended)
  assert(one:exec("true").ok)
  assert(other:exec("true").ok)
end)

test("a kernel report of one machine is this test's", function()
  local path = "/proc/sysrq-trigger"
  provium.all{
    function() one:expect_splat("Kernel panic", function() pcall(function() one:write_file(path, "c") end) end) end,
    function() other:exec("true") end,
  }
  assert_eq("dead", one:state())
end)

test("a wrong use says what is wrong", function()
  assert_error(function() provium.all{} end, "a list of 1 to 64 functions")
  assert_error(function() provium.all{ 1 } end, "argument 'functions'[1] must be a function, got")
  assert_error(function() provium.all(print, print) end, "takes at most 1 argument")
  assert_error(function() provium.all{ function() provium.all{ print } end } end, "cannot be called inside another")
  assert_error(function() provium.all{ function() test("x", print) end } end, "cannot run inside provium.all")
end)
