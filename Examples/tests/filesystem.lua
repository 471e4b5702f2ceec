-- File systems mounted, filled, and stacked.
local vm = provium.create():boot()

test("a tmpfs of one megabyte is full after one megabyte", function()
  assert(vm:exec("mkdir -p /mnt/small && mount -t tmpfs -o size=1m none /mnt/small").ok)
  vm:write_file("/mnt/small/half", ("x"):rep(512 * 1024))
  assert_error(function() vm:write_file("/mnt/small/rest", ("y"):rep(1024 * 1024)) end, "ENOSPC")
  assert_eq(512 * 1024, #vm:read_file("/mnt/small/half"))
end)

test("an overlay shows the upper file, and leaves the lower one alone", function()
  assert(vm:exec("modprobe overlay").ok)
  assert(vm:exec([[
    mkdir -p /mnt/o && mount -t tmpfs none /mnt/o && cd /mnt/o && mkdir lower upper work merged &&
    echo below > lower/file && echo kept > lower/other &&
    mount -t overlay overlay -o lowerdir=lower,upperdir=upper,workdir=work merged]]).ok)
  vm:write_file("/mnt/o/merged/file", "above\n")
  assert_eq("above\n", vm:read_file("/mnt/o/merged/file"))
  assert_eq("below\n", vm:read_file("/mnt/o/lower/file"))
  assert(vm:exec("rm /mnt/o/merged/other").ok)
  -- A whiteout: a character device 0:0 in the upper layer.
  assert_contains(vm:exec("stat -c %F /mnt/o/upper/other").stdout, "character special file")
end)

test("a busy mount cannot be unmounted, a lazy umount lets go of it", function()
  assert(vm:exec("mkdir -p /mnt/busy && mount -t tmpfs none /mnt/busy").ok)
  local job = vm:background("cd /mnt/busy && exec sleep 1000")
  vm:wait_until(function()
    return vm:exec("readlink /proc/" .. job.pid .. "/cwd").stdout.trim() == "/mnt/busy"
  end, { interval = 0.02, desc = "the job is inside the mount" })
  local refused = vm:exec("umount /mnt/busy")
  assert(not refused.ok)
  assert_contains(refused.stderr, "busy")
  assert(vm:exec("umount -l /mnt/busy").ok)
  vm:job_kill(job)
end)
