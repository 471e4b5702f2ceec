-- The first level: an emulated machine with SVM that runs Provium inside. Run by Scripts/test-nested, which makes the disk.
local disk = os.getenv("PROVIUM_NESTED_DISK")
if not disk then
  test("nested", function() skip("Scripts/test-nested runs this") end)
  return
end

local vm = provium.create():boot({ memory = "3584M", disks = { { path = disk, readonly = true } } })
local root = "/mnt/nested"

local function run(command, timeout)
  local r = vm:exec(command, { timeout = timeout or "60s" })
  assert(r.ok, ("%s: exit code %d\n%s%s"):format(command, r.exit_code, r.stdout, r.stderr))
  return tostring(r.stdout)
end

-- A folder that a user's Provium takes for its cache: the kernel is there, nothing else.
local function cache(name, owner)
  run(("mkdir -p %s/tmp/%s/provium/kernels/x86_64 && cp %s/nested/prepared %s/tmp/%s/provium/kernels/x86_64/ && chown -R %d %s/tmp/%s")
    :format(root, name, root, root, name, owner, root, name))
end

local environment = { PATH = "/usr/bin:/bin", HOME = "/tmp", TMPDIR = "/tmp" }

local function with_cache(name, more)
  local all = { XDG_CACHE_HOME = "/tmp/" .. name }
  for key, value in pairs(environment) do all[key] = value end
  for key, value in pairs(more or {}) do all[key] = value end
  return all
end

-- In the disk's root, as root.
local function inside(command)
  return vm:exec(("exec chroot %s /bin/sh -c '%s'"):format(root, command), { timeout = "60s", env = with_cache("root") })
end

-- A worker in the disk's root that gave up being root: what an ordinary user can do.
local function user()
  local worker = vm:spawn()
  assert_eq(0, (worker:syscall_buf("chroot", 0, root .. "\0", 0)))
  assert_eq(0, (worker:syscall_buf("chdir", 0, "/\0", 0)))
  assert_eq(0, worker:syscall("setgroups", 0, 0))
  assert_eq(0, worker:syscall("setresgid", 1000, 1000, 1000))
  assert_eq(0, worker:syscall("setresuid", 1000, 1000, 1000))
  return worker
end

local function doctor() return inside("provium doctor") end

local function users_doctor()
  local worker = user()
  local r = worker:exec("provium doctor", { timeout = "60s", env = with_cache("user") })
  worker:kill()
  return r
end

local kvm, vsock = "accelerator: kvm (runs guest code)", "channel: vsock"

-- The doctor's report; tests can run in any case.
local function assert_doctor(r, ...)
  local text = tostring(r.stdout)
  for _, expected in ipairs({ ... }) do assert_contains(text, expected) end
  assert_contains(text, "tests can run here")
  assert_eq(0, r.exit_code, tostring(r.stderr))
end

-- Changes the machine for the time of `fn`.
local function while_(change, undo, fn)
  run(change)
  local ok, problem = pcall(fn)
  run(undo)
  if not ok then error(problem, 0) end
end

-- Without these there is nothing to test: an error here ends the file.
run("grep -qw ext4 /proc/filesystems || modprobe ext4")
run(("mkdir -p %s && mount -t ext4 -o ro /dev/vda %s"):format(root, root))
for _, folder in ipairs({ "proc", "sys", "dev" }) do run(("mount --bind /%s %s/%s"):format(folder, root, folder)) end
run(("mount -t tmpfs -o mode=1777,size=3g none %s/tmp"):format(root))
cache("root", 0)
cache("user", 1000)

-- A module is in use for a moment after the end of the process that used it.
local function rmmod(module)
  return ("for i in $(seq 60); do rmmod %s && exit; sleep 0.5; done; exit 1"):format(module)
end
local function modprobe(module) return ("chroot %s modprobe %s"):format(root, module) end
local kvm_again = modprobe("kvm-amd") .. " && chmod 666 /dev/kvm"
local vsock_again = modprobe("vhost_vsock") .. " && chmod 666 /dev/vhost-vsock"

test("doctor: neither KVM nor vsock before their modules are loaded", function()
  assert_doctor(doctor(), "accelerator: tcg: no /dev/kvm", "channel: virtio-serial (no /dev/vhost-vsock)")
end)

test("doctor: device nodes without their modules", function()
  while_("mknod /dev/kvm c 10 232; mknod /dev/vhost-vsock c 10 241", "rm /dev/kvm /dev/vhost-vsock", function()
    assert_doctor(doctor(), "accelerator: tcg: /dev/kvm cannot be opened: ENODEV",
      "channel: virtio-serial (/dev/vhost-vsock cannot be opened: ENODEV)")
  end)
end)

test("kvm-amd and vhost_vsock load", function()
  run(modprobe("kvm-amd") .. " && " .. modprobe("vhost_vsock"))
  run("test -c /dev/kvm && test -c /dev/vhost-vsock")
end)

test("doctor: KVM is proven and vsock is there, though neither was a moment ago", function()
  assert_doctor(doctor(), kvm, vsock)
end)

test("doctor: no permission for either device, and then permission", function()
  run("chmod 600 /dev/kvm /dev/vhost-vsock")
  assert_doctor(users_doctor(), "accelerator: tcg: no permission for /dev/kvm", "adduser $USER kvm",
    "channel: virtio-serial (no permission for /dev/vhost-vsock)")
  run("chmod 666 /dev/kvm /dev/vhost-vsock")
  assert_doctor(users_doctor(), kvm, vsock)
end)

test("doctor: KVM without vsock, and vsock without KVM", function()
  while_(rmmod("vhost_vsock"), vsock_again, function()
    assert_doctor(doctor(), kvm, "channel: virtio-serial (no /dev/vhost-vsock)")
  end)
  while_(rmmod("kvm_amd"), kvm_again, function()
    assert_doctor(doctor(), "accelerator: tcg: no /dev/kvm", vsock)
  end)
  assert_doctor(doctor(), kvm, vsock)
end)

test("doctor: a /dev/kvm that makes no machine", function()
  local verdict = root .. "/tmp/root/provium/kvm-verdict"
  while_("rm -f " .. verdict .. "; mv /dev/kvm /dev/away; mknod /dev/kvm c 1 3", "mv /dev/away /dev/kvm", function()
    assert_doctor(doctor(), "accelerator: tcg: /dev/kvm makes no VM", vsock)
  end)
  assert_doctor(doctor(), kvm, vsock)
end)

-- The measurements of the suites, by channel and name: lists.
local figures = { vsock = {}, ["virtio-serial"] = {} }

-- Runs Provium's tests inside. Gives its exit code and output, and the command lines of the QEMUs that were seen meanwhile.
-- `during` is called with those command lines again and again meanwhile.
local function suite(arguments, who, timeout, folder, during)
  local name = who and "user" or "root"
  local note = ("/tmp/%s/figures"):format(name)
  local command = ("cd %s && rm -f %s && exec provium test -p 1 %s"):format(folder or "/nested/suite", note, arguments)
  local words = ("exec env -i PATH=/usr/bin:/bin HOME=/tmp XDG_CACHE_HOME=/tmp/%s PROVIUM_NESTED_FIGURES=%s "):format(name, note)
  local at = who or vm
  local job = at:background(words .. (who and "" or "chroot " .. root) .. (" /bin/sh -c '%s' 2>&1"):format(command))
  local seen, lines = {}, {}
  -- Asked again and again: a QEMU's command line can be read only while it runs.
  local r
  pcall(vm.wait_until, vm, function()
    -- Of a machine that ends meanwhile there is nothing to read.
    local now = vm:exec([[for p in $(pidof qemu-system-x86_64); do tr '\0' ' ' < /proc/$p/cmdline && echo; done 2>/dev/null]])
    for line in tostring(now.stdout):gmatch("[^\n]+") do
      if line:find("^/usr/bin/qemu") and line:find("-device", 1, true) and not seen[line] then
        seen[line] = true
        lines[#lines + 1] = line
      end
    end
    if during then during(lines) end
    r = at:job_wait(job)
    return not r.running
  end, { timeout = timeout, interval = 0.5 })
  if r.running then r = at:job_kill(job) end
  local text = tostring(r.stdout)
  print(text)
  local channel = figures[text:match("kvm · (%S+)") or ""] or {}
  for key, value in tostring(vm:exec("cat " .. root .. note).stdout):gmatch("(%w+) ([%d.]+)") do
    channel[key] = channel[key] or {}
    table.insert(channel[key], tonumber(value))
  end
  return r.exit_code, text, lines
end

local function assert_vsock(lines)
  assert(#lines > 0, "no QEMU was seen")
  local cids = {}
  for _, line in ipairs(lines) do
    assert_contains(line, " -accel kvm -cpu host ")
    local cid = line:match("%-device vhost%-vsock%-pci,id=vsock,guest%-cid=(%d+),vhostfd=%d+")
    assert(cid, "no vsock device: " .. line)
    cids[cid] = true
    assert_eq(nil, line:find("virtserialport", 1, true))
  end
  return cids
end

test("the suite passes inside, and chooses KVM and vsock by itself", { timeout = "7m" }, function()
  local code, text, lines = suite(".", nil, 360)
  assert_eq(0, code, text)
  assert_match(text, "kvm · vsock")
  assert_match(text, "ok: %d+ files? passed")
  local cids, several = assert_vsock(lines), 0
  for _ in pairs(cids) do several = several + 1 end
  assert(several > 1, "siblings were not seen with CIDs of their own")
  print(("%d machines were seen, with %d CIDs, such as:\n%s"):format(#lines, several, lines[1]))
end)

test("an ordinary user who may use the devices runs tests", { timeout = "2m" }, function()
  local worker = user()
  local code, text, lines = suite("echo.lua", worker, 100)
  worker:kill()
  assert_eq(0, code, text)
  assert_match(text, "kvm · vsock")
  assert_vsock(lines)
end)

test("a CID that another process holds is skipped", { timeout = "2m" }, function()
  local sys, set_guest_cid = provium.sys, 0x4008af60
  local fd = vm:syscall_buf("openat", 1, "/dev/vhost-vsock\0", sys.AT_FDCWD, 0, sys.O_RDWR, 0)
  assert(fd >= 0)
  assert_eq(0, (vm:ioctl(fd, set_guest_cid, provium.pack("u64", 10))))
  local code, text, lines = suite("echo.lua", nil, 100)
  assert_eq(0, vm:syscall("close", fd))
  assert_eq(0, code, text)
  assert_eq(nil, assert_vsock(lines)["10"])
end)

test("another user of the host takes no machine over", { timeout = "3m" }, function()
  local vsock = dofile("suite/vsock.lua")
  local stranger, answered, taken = user(), {}, nil
  -- Without a secret and with another machine's, to both of the agent's ports and to a worker's.
  local secrets = { vsock.exec_message, provium.pack("u8 u32", 0x1b, 32) .. ("\1"):rep(32) }
  local function attack(lines)
    for _, line in ipairs(lines) do
      local cid = tonumber(line:match("guest%-cid=(%d+)"))
      for _, port in ipairs(cid and { 5122, 5123, 5131 } or {}) do
        for _, secret in ipairs(secrets) do
          local n, bytes = vsock.knock(stranger, cid, port, secret)
          if n then answered[port] = (answered[port] or 0) + 1 end
          -- Nothing, or an ERROR: never READY. Said at the end: an error here would only end the watching.
          if n and n > 0 and bytes:byte(1) ~= 0x83 then taken = taken or port end
        end
      end
    end
  end
  local code, text = suite("--include-slow held.lua", nil, 200, nil, attack)
  stranger:kill()
  assert_eq(0, code, text)
  assert_match(text, "kvm · vsock")
  assert_eq(nil, taken)
  assert((answered[5122] or 0) > 1, "the attack never came through")
  print(("connections of a stranger: %d to control, %d to the agent, %d to a worker"):format(answered[5122],
    answered[5123] or 0, answered[5131] or 0))
end)

test("virtio-serial works with KVM, too", { timeout = "2m" }, function()
  local code, text, lines = suite("--require-kvm --channel serial echo.lua", nil, 100)
  assert_eq(0, code, text)
  assert_match(text, "kvm · virtio%-serial")
  assert(#lines > 0, "no QEMU was seen")
  for _, line in ipairs(lines) do
    assert_contains(line, " -accel kvm -cpu host ")
    assert_contains(line, "virtserialport")
    assert_eq(nil, line:find("vhost-vsock-pci", 1, true))
  end
end)

local function median(samples)
  table.sort(samples)
  return samples[(#samples + 1) // 2]
end

-- Both channels in turns, ten samples of each at least; medians.
test("figures", { timeout = "6m" }, function()
  local path = os.getenv("PROVIUM_NESTED_FIGURES")
  if not path or path == "" then skip("Scripts/test-nested --figures takes them") end
  for _ = 1, 2 do
    for _, channel in ipairs({ "vsock", "serial" }) do
      local code, text = suite("--channel " .. channel .. " echo.lua", nil, 80)
      assert_eq(0, code, text)
    end
  end
  local file = assert(io.open(path, "w"))
  local function row(what, one, other)
    assert(#one >= 10 and #other >= 10, ("%s: %d and %d samples"):format(what, #one, #other))
    file:write(("| %s | %.2f | %d and %d |\n"):format(what, median(one) / median(other), #one, #other))
  end
  local vsock, serial = figures.vsock, figures["virtio-serial"]
  row("cold boot : provium.fixture, warm VMs as usual", vsock.boot, vsock.resume)
  row("round trip, virtio-serial : vsock", serial.roundtrip, vsock.roundtrip)
  row("write of 4 MiB, virtio-serial : vsock", serial.write, vsock.write)
  row("read of 4 MiB, virtio-serial : vsock", serial.read, vsock.read)
  file:close()
end)

-- On a host without vsock, these files run over virtio-serial in the other tests.
test("the conformance suite passes over vsock", { timeout = "10m" }, function()
  -- Tests with the tag take minutes with an emulated KVM, and do not depend on the channel.
  local code, text = suite("--no-tag heavy --channel vsock .", nil, 480, "/nested/conformance")
  assert_eq(0, code, text)
  assert_match(text, "kvm · vsock")
  local _, passed = text:gsub("%.%.%. ok", "")
  assert(passed > 80, "only " .. passed .. " sub-tests passed:\n" .. text)
end)

test("what was asked for and is not there is a fault that says why", function()
  while_(rmmod("vhost_vsock"), vsock_again, function()
    local r = inside("cd /nested/suite && provium test --channel vsock echo.lua")
    assert_eq(2, r.exit_code)
    assert_contains(r.stdout .. r.stderr, "vsock is asked for, but no /dev/vhost-vsock")
  end)
  while_(rmmod("kvm_amd"), kvm_again, function()
    local r = inside("cd /nested/suite && provium test --require-kvm echo.lua")
    assert_eq(2, r.exit_code)
    assert_contains(r.stdout .. r.stderr, "KVM is required, but no /dev/kvm")
  end)
end)

test("nothing of Provium is left in the first level", function()
  assert_eq("", vm:exec("pidof qemu-system-x86_64 provium").stdout)
  assert_eq("", run(("ls -d %s/tmp/provium-*/run-* 2>/dev/null || true"):format(root)))
end)
