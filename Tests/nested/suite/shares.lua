-- A folder of the host over vsock, whose connection a resume makes again.
test("a folder of the host is read before and after a resume", function()
  local vm = provium.create():boot({ share = { ["/suite"] = "." } })
  local function text() return vm:read_file("/suite/provium.toml") end
  local before = text()
  assert_contains(before, "boot_timeout")
  -- It sends requests while the VM is saved.
  vm:exec("(find /suite -type f | wc -l > /tmp/found) > /dev/null 2>&1 &")
  vm:restore(vm:snapshot())
  assert_eq(before, text())
  assert_contains(vm:exec("cat /suite/shares.lua").stdout, "sends requests")
  vm:wait_until(function() return tonumber(vm:read_file("/tmp/found")) end)
end)
