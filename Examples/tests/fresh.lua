-- Each sub-test has a machine of its own, resumed from a fixture in milliseconds: what one breaks, the next does not see.
provium.fresh = true
local vm = provium.fixture("mounted")

test("what the fixture set up is there", function()
  assert_contains(vm:read_file("/proc/mounts"), "small /mnt tmpfs")
  assert_eq("written by the fixture\n", vm:read_file("/mnt/notes"))
end)

test("a test may destroy everything", function()
  assert(vm:exec("rm /mnt/notes && rmmod dummy && umount /mnt").ok)
  assert_error(function() vm:read_file("/mnt/notes") end, "ENOENT")
end)

test("the next one sees nothing of it", function()
  assert_eq("written by the fixture\n", vm:read_file("/mnt/notes"))
  assert_contains(vm:read_file("/proc/modules"), "dummy ")
end)

test("a panic that is meant ends one machine, not the run", function()
  vm:expect_splat("sysrq triggered crash", function()
    assert_error(function() vm:exec("echo c > /proc/sysrq-trigger") end, "panic")
  end)
end)
