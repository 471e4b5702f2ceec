import Testing

@Suite(
  "A network device of a model of real hardware",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? ""))
)
struct NetworkModelTests {
  /// Drivers of real hardware negotiate the link for seconds.
  @Test("has its link when the boot, and a plug, returns") func link() throws {
    let project = try Project(withCache: [
      "tests/a.lua": """
      local nics = {}
      for number, model in ipairs{ "e1000", "e1000e", "rtl8139" } do
        nics[number] = { network = provium.network(model, { subnet = "10.9." .. number .. ".0/24" }), model = model }
      end
      local vm = provium.create():boot{ memory = "256M", nics = nics }
      for _, nic in ipairs(nics) do
        local station = nic.network:port{ answer = { "arp", "ping" } }
        local function answers() return vm:exec("ping -c 1 -W 5 " .. station.ip).ok end
        test(nic.model, function() assert(answers()) end)
        test(nic.model .. " after a plug", function()
          vm:nic(nic.network):unplug()
          vm:nic(nic.network):plug()
          assert(answers())
        end)
      end
      """
    ])
    // The default kernel, of clouds, has the driver of virtio-net alone.
    let command = try Command(arguments: ["test", "--kernel", "deb:6.1"], in: project.path, seconds: 300)
    #expect(command.exitCode == 0 && command.text.contains("6 tests"), "\(command.text)")
  }
}
