import ProviumVM
import Testing

@testable import ProviumRunner

@Suite("provium doctor") struct HostCheckTests {
  @Test(
    "a host without vsock gets the command that enables it",
    arguments: [
      (DeviceObstacle.absent, "equally good; for vsock: modprobe vhost_vsock"),
      (
        .forbidden,
        "equally good; for vsock: adduser $USER kvm, log in again, and check that /dev/vhost-vsock belongs to that group"
      ),
      (.broken, "equally good"),
    ]
  )
  func channel(obstacle: DeviceObstacle, remedy: String) {
    let found = ChannelCheck.finding(ChannelVerdict(.virtioSerial, reason: "why", obstacle: obstacle))
    #expect(found.grade == .good && found.text == "virtio-serial (why)" && found.remedy == remedy)
  }

  @Test("the accelerator's check says whether KVM runs guest code, and otherwise what emulation costs")
  func accelerator() {
    #expect(AcceleratorCheck.finding(AcceleratorVerdict(.kvm)).text == "kvm (runs guest code)")
    let unproven = AcceleratorVerdict(.kvm, reason: "not proven on aarch64")
    #expect(AcceleratorCheck.finding(unproven).text == "kvm: not proven on aarch64")
    let slow = AcceleratorVerdict(.tcg, reason: "it does not run guest code", obstacle: .broken)
    let found = AcceleratorCheck.finding(slow)
    #expect(found.grade == .limited && found.text == "tcg: it does not run guest code")
    #expect(
      found.remedy?.contains("time limits are multiplied by 10 (--timeout-multiplier)") == true
    )
    let forbidden = AcceleratorVerdict(.tcg, reason: "no permission", obstacle: .forbidden)
    #expect(AcceleratorCheck.finding(forbidden).remedy == "adduser $USER kvm, and log in again")
  }
}
