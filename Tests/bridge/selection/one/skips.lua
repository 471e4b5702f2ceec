-- An outer test that does not run, by its own word, takes its inner ones with it.
test("static", { skip = "no hardware" }, function()
  test("inner of static", function() error("never") end)
end)
test("computed", { skip = 1 + 1 == 2 and "no hardware" }, function()
  test("inner of computed", function() error("never") end)
end)
test("while running", function()
  local found = false
  if not found then skip("no such device") end
  test("inner of running", function() error("never") end)
end)
test("planned", function()
  todo("later")
  test("inner of planned", function() error("never") end)
end)
test("slow one", { slow = true }, function() error("only where slow tests are wanted") end)
