-- Provium's own userland has what programs expect of a Linux system.
local vm = provium.create():boot()

test("/dev has the names of the standard descriptors", function()
  assert_eq("one\n", vm:exec("echo one > /dev/stdout").stdout)
  assert_eq("two\n", vm:exec("echo two > /dev/stderr").stderr)
  assert_eq("three\n", vm:exec("echo three | cat /dev/stdin").stdout)
  assert_eq("four\n", vm:exec("echo four | cat /dev/fd/0").stdout)
  assert(vm:exec("test -L /dev/fd && test -c /dev/null").ok)
end)

test("the kernel loads a module that it needs", function()
  assert(not vm:exec("grep -qw overlay /proc/filesystems").ok)
  assert(vm:exec("mkdir -p /tmp/a /tmp/b /tmp/w && mount -t overlay -o lowerdir=/etc,upperdir=/tmp/a,workdir=/tmp/w x /tmp/b").ok)
  assert(vm:exec("umount /tmp/b").ok)
end)

test("mount_vfs makes the names of the standard descriptors where they are missing", function()
  vm:exec("rm /dev/fd /dev/stdin /dev/stdout /dev/stderr")
  vm:mount_vfs()
  assert_eq("one\n", vm:exec("echo one > /dev/stdout").stdout)
  vm:exec("rm /dev/stdout; touch /dev/stdout") -- a file that is there stays
  vm:mount_vfs()
  assert(vm:exec("test -f /dev/stdout && ! test -L /dev/stdout").ok)
  vm:exec("rm /dev/stdout")
  vm:mount_vfs()
end)

test("HOME of a command is the home of its user", function()
  assert_eq("/root\n", vm:exec("echo $HOME").stdout)
  assert_eq("/else\n", vm:exec("echo $HOME", { env = { HOME = "/else" } }).stdout)
  vm:exec("printf 'first:x:1000:1000::/home/first:/bin/sh\\nbroken:x:1001\\n:::\\nlast:x:1002:1002::/home/last' >> /etc/passwd")
  for uid, home in pairs({ [1000] = "/home/first", [1001] = "/", [1002] = "/home/last", [4242] = "/" }) do
    local worker = vm:spawn()
    worker:syscall("setresuid", uid, uid, uid)
    assert_eq(home .. "\n", worker:exec("echo \"$HOME\"").stdout)
    worker:kill()
  end
  local job = vm:background("echo $HOME")
  assert_eq("/root\n", vm:job_wait(job, 30).stdout)
end)
