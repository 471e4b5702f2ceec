-- A test's machine: its memory is private, and goes through QEMU's stream in each cycle.
local soak = require("cycles")
local vm = provium.create():boot({ memory = "128M" })
test(soak.cycles .. " cycles of a stream", { timeout = "2h" }, function() soak.run(vm) end)
