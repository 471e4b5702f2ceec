local vm = provium.fixture("ready")

test("the fixture's work is there", function() assert_eq("ready\n", vm:read_file("/srv/state")) end)

test("proc is mounted", function() assert_contains(vm:read_file("/proc/mounts"), "proc /proc") end)

test("not written yet", function() todo("needs a newer kernel") end)
