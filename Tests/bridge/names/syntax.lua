test("unfinished", function()
