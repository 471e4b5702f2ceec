test("outer", function()
  for i = 1, 3 do
    test("number " .. i, function() assert_eq(true, i ~= 2) end)
  end
end)
