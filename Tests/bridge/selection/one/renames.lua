local real = test
local function test(name, fn) return real("renamed " .. name, fn) end
test("x", function() end)
