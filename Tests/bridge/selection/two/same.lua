test("same", function() error("the other one") end)
test("second", function() end)
