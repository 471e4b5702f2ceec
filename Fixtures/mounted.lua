-- Starts from the fixture base and mounts a memory file system at /mnt. Built once, kept in the cache, and resumed by every
-- test that names it.
local vm = provium.fixture("base")
assert(vm:exec("mkdir -p /mnt && mount -t tmpfs -o size=4m small /mnt").ok)
vm:write_file("/mnt/notes", "written by the fixture\n")
