test("before", function() end)
error("the script stops here")
