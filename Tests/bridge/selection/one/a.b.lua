test("dot", function() end)
