-- Many machines from one fixture with a disk: each writes to the disk, none sees another one's writes, and none leaves anything
-- in this process or on the host. Scripts/soak sets the number.
local resumes = tonumber(os.getenv("PROVIUM_SOAK_RESUMES") or "100")

-- What Provium has open or running: its descriptors, its children, and files of its run.
local function host(command)
  local pipe <close> = assert(io.popen(command))
  return tonumber(pipe:read("a"))
end
local function held()
  return {
    descriptors = host("ls /proc/$PPID/fd | wc -l"),
    processes = host("cat /proc/$PPID/task/*/children | wc -w"),
    files = host("find \"${TMPDIR:-/tmp}\"/provium-$(id -u) -path '*/run-*' -type f ! -path '*/consoles/*' 2>/dev/null | wc -l"),
  }
end

local function use(round)
  local vm = provium.fixture("disk")
  local disk = vm:disk("data")
  assert_eq("base", disk:read(0, 4))
  assert_eq("\0\0\0\0", disk:read(8192, 4))
  assert(vm:exec("yes r" .. round .. " | head -c 4096 | dd of=/dev/vda bs=4k seek=2 oflag=direct conv=notrunc "
    .. "iflag=fullblock 2>/dev/null").ok)
  assert_eq("r" .. round .. "\n", disk:read(8192, #("r" .. round) + 1))
  assert_eq("base", vm:exec("dd if=/dev/vda bs=4k count=1 iflag=direct 2>/dev/null | head -c 4").stdout.value)
  vm:kill()
end

-- A VM that has ended keeps its disks for `disk:read` and `vm:reset` until its sub-test, which is a fresh one, has ended.
local batch <const> = math.max(1, resumes // 20)
local settled
for first = 1, resumes, batch do
  local last = math.min(first + batch - 1, resumes)
  test("the resumed machines " .. first .. " to " .. last .. " have an overlay each", { fresh = true, timeout = "2h" }, function()
    for round = first, last do use(round) end
  end)
  collectgarbage()
  if not settled then settled = held() end
end

test("nothing of " .. resumes .. " resumed machines is left", function()
  for name, count in pairs(held()) do
    io.stderr:write(("%s after %d resumes: %d, after %d: %d\n"):format(name, batch, settled[name], resumes, count))
    -- Warm machines come and go.
    assert(count <= settled[name] + 32, name .. ": " .. settled[name] .. " became " .. count)
  end
end)
