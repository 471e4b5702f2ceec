test("one is one", function() assert_eq(1, 1) end)
test("outer", function()
  test("inner passes", function() end)
end)
