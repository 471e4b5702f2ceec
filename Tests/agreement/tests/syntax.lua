test("never", function( end)
