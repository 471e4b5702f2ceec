-- Names that XML, a terminal or a filter may stumble over.
test('quotes "double" and \'single\'', function() end)
test("a < b && c > d", function() error("x < y & \27[31mred\0") end)
test("tab\tand\nline", function() end)
test("größe 測試 🐧", function() end)
test([[long bracket]], function() end)
test("escaped \65\x42\u{43}", function() end)
-- test("in a comment", function() end)
--[[ test("in a long comment", function() end) ]]
local text = [[ test("in a string", function() end) ]]
test("a/slash", function() end)
test(("x"):rep(3), function() end) -- known only when it runs
