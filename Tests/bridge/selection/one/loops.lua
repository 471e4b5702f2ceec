-- Sub-tests without a case of their own: in a loop, in a condition, in a loop inside of one that has a case.
test("plain", function() end)
for i = 1, 3 do
  test("number " .. i, function() assert_eq(true, i ~= 2) end)
end
test("outer", function()
  for i = 1, 3 do
    test("inner " .. i, function() assert_eq(true, i ~= 3) end)
  end
end)
test("other", function() end)
