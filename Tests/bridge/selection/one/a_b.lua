test("line", function() end)
