-- A hundred machines from one fixture with a disk: each writes to the disk, and none sees another one's writes.
test("a hundred resumed machines have an overlay each", function()
  for round = 1, 100 do
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
end)
