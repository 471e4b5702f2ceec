test("nested folder", function() end)
