test("says why", function()
  print("what the test printed")
  error("and failed")
end)
