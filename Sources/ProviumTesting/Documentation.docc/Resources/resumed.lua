local vm = provium.fixture("ready")

test("what the fixture prepared is there", function()
  assert_eq("yes\n", vm:read_file("/etc/prepared"))
  assert(vm:exec("pidof sleep").ok)
end)
