import ProviumSystem
import Testing

/// Over vsock the end of the control process is noticed when something needs it; a serial port's closing tells at once.
@Suite(
  "Over virtio-serial",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? ""))
)
struct LostControlTests {
  @Test("an agent that loses its parent is missed at once, not at a time limit") func lostParent() throws {
    let project = try Project([
      "tests/a.lua": """
      test("t", function()
        local machine = provium.create():boot()
        local begin = os.time()
        local error = assert_error(function()
          machine:exec("kill -9 " .. machine:syscall("getppid"))
          machine:exec("sleep 100")
        end, "agent")
        assert_contains(tostring(error), "the console's last lines:")
        assert(os.time() - begin < 20, "it took " .. os.time() - begin .. " s")
        assert_eq("dead", machine:state())
      end)
      """
    ])
    let command = try Command("test", "--channel", "serial", "tests", in: project.path)
    #expect(command.status == .exited(0), "\(command.text)")
  }
}
