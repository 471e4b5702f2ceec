-- Names and verdicts of the plainest kind; no machine.
test("one", function() assert_eq(2, 1 + 1) end)
test("two words", function() assert_eq("a", "b") end)
test("later", function() todo("not yet") end)
test("meant to be skipped", { skip = "no hardware" }, function() error("never") end)
test("skipped while running", function()
  local found = false
  if not found then skip("no such device") end
end)
test("last", function() end)
