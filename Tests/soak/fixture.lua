-- The fixture has what its script did.
local soak = require("cycles")
test(soak.cycles .. " cycles of a memory file", { timeout = "2h" }, function()
  assert_eq(tostring(soak.cycles), provium.fixture("lineage"):read_file("/tmp/count"))
end)
