local vm = provium.create():boot{ memory = "192M" }

test("the release of a kernel is compared as a version, by the numbers that are given", function()
  local release = vm:kernel()
  assert_eq(tostring(vm:exec("uname -r").stdout), tostring(release) .. "\n")
  assert(release >= "4.19" and "4.19" <= release and release > "4.9.300" and release < "99")
  assert(not (release < "4.19") and not (release > "99"))
  local major, minor = tostring(release):match("^(%d+)%.(%d+)")
  assert(release <= major .. "." .. minor and release >= major .. "." .. minor)
  assert(release == vm:kernel() and #release > 3 and "x" .. release == "x" .. tostring(release))
  assert_error(function() return release > "new" end, "a kernel's release is compared with a version")
end)

test("an option of the kernel's configuration is y, m, a value or nil", function()
  assert_eq("y", vm:config("NET"))
  assert_eq("y", vm:config("CONFIG_NET"))
  assert_match(vm:config("HZ"), "^%d+$")
  assert_eq(nil, vm:config("NO_SUCH_OPTION"))
  assert_error(function() vm:config("") end, "an option such as")
end)

test("conditions are compared with the VM", { kernel = ">= 4.19", config = "NET", cpus = 1 }, function()
  assert_eq("booted", vm:state())
end)
