-- Names that are not Provium's: reading cannot tell what they do.
local function skip(n) return n end
test("looks skipped", function()
  skip(5)
  assert_eq(1, 2)
end)
