test("not yet", function() todo("later") end)
test("skipped while it runs", function() skip("no hardware") end)
test("runs", function() end)
