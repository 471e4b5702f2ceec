test("same", function() end)
test("first", function() end)
