import ProviumVM
import ProviumSystem
import Testing

@testable import ProviumRuntime

@Suite("The doctor") struct ExaminationTests {
  private func finding(_ look: (inout Examination) -> Void) throws -> Examination.Finding {
    var examination = Examination()
    look(&examination)
    return try #require(examination.findings.first)
  }

  @Test(
    "names for vsock what mends what is in its way",
    arguments: [
      (DeviceObstacle.absent, "as good; for vsock: modprobe vhost_vsock"),
      (
        .forbidden,
        "as good; for vsock: adduser $USER kvm, log in again, and see that /dev/vhost-vsock belongs to that group"
      ),
      (.broken, "as good"),
    ]
  )
  func channel(obstacle: DeviceObstacle, remedy: String) throws {
    let found = try finding { $0.channel(ChannelVerdict(.virtioSerial, reason: "why", obstacle: obstacle)) }
    #expect(found.grade == .good && found.text == "virtio-serial (why)" && found.remedy == remedy)
  }

  @Test("says that KVM runs guest code, or was not proven, or what its lack costs") func accelerator() throws
  {
    #expect(try finding { $0.accelerator(AcceleratorVerdict(.kvm)) }.text == "kvm (runs guest code)")
    let unproven = AcceleratorVerdict(.kvm, reason: "not proven on aarch64")
    #expect(try finding { $0.accelerator(unproven) }.text == "kvm: not proven on aarch64")
    let slow = AcceleratorVerdict(.tcg, reason: "it does not run guest code", obstacle: .broken, slowdown: 9)
    let found = try finding { $0.accelerator(slow) }
    #expect(found.grade == .limited && found.text == "tcg: it does not run guest code")
    #expect(found.remedy?.contains("9.0 times slower (measured), and time limits stretch by 5.0") == true)
    let forbidden = AcceleratorVerdict(.tcg, reason: "no permission", obstacle: .forbidden, slowdown: 9)
    #expect(try finding { $0.accelerator(forbidden) }.remedy == "adduser $USER kvm, and log in again")
  }
}
