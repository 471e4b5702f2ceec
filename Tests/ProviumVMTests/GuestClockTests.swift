import Testing

@testable import ProviumVM

@Suite("The guest's clock") struct GuestClockTests {
  private static let platform = Platform(architecture: .x86_64, accelerator: .tcg, channel: .virtioSerial)

  private func arguments(_ clock: GuestClock) -> [String] {
    clock.qemuArguments(DeviceContext(platform: Self.platform, wiring: LaunchWiring()))
  }

  @Test("an initial time and a fast clock are arguments of QEMU") func arguments() {
    #expect(arguments(GuestClock(initialTime: 1_935_817_689)) == ["-rtc", "base=2031-05-06T07:08:09"])
    #expect(arguments(GuestClock(isFast: true)) == ["-rtc", "clock=vm", "-icount", "shift=3,sleep=off"])
    #expect(
      arguments(GuestClock(initialTime: 946_684_800, isFast: true)) == [
        "-rtc", "base=2000-01-01T00:00:00,clock=vm", "-icount", "shift=3,sleep=off",
      ]
    )
  }

  @Test("a time is read as a date, or as a date with a time of day, in UTC")
  func texts() {
    #expect(GuestClock.seconds(of: "2031-05-06T07:08:09") == 1_935_817_689)
    #expect(GuestClock.seconds(of: "2000-01-01") == 946_684_800)
    #expect(GuestClock.seconds(of: "2028-02-29") == 1_835_395_200)
  }

  @Test(
    "text that is no time is refused",
    arguments: [
      "", "2031", "2031-05", "2031-05-06T", "2031-05-06T07:08", "2031-02-30", "2031-13-01",
      "2031-05-06T25:00:00",
      "-2031-05-06", "2031-05-06 07:08:09", "2031-5-6", "99999999999-01-01", "2031-05-06T07:08:09T",
    ]
  )
  func refused(_ text: String) { #expect(GuestClock.seconds(of: text) == nil) }

  @Test("a configuration without a clock of its own has no device for it") func configuration() throws {
    var configuration = MachineConfiguration()
    configuration.hasFastClock = true
    configuration.initialTime = 1_000_000_000
    #expect(configuration.clock == GuestClock(initialTime: 1_000_000_000, isFast: true))
    try configuration.validate()
    configuration.initialTime = 0
    #expect(throws: InvalidConfiguration.self) { try configuration.validate() }
    configuration.initialTime = nil
    configuration.hasFastClock = false
    #expect(configuration.devices.isEmpty)
  }
}
