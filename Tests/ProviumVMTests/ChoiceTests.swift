import Glibc
import ProviumSystem
import Testing

@testable import ProviumVM

@Suite("The choice of the accelerator") struct AcceleratorChoiceTests {
  private typealias Finding = AcceleratorProbe.Finding

  /// A cache of the test's own, removed at the end.
  private func withCache(_ body: (String) throws -> Void) throws {
    let cache = "/tmp/provium-test-choice-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try Files.createDirectories(cache)
    defer { try? Files.removeTree(cache) }
    try body(cache)
  }

  @Test("says why KVM is not used") func reasons() {
    #expect(
      AcceleratorProbe.look(at: "/no/kvm") == .unusable(.absent, reason: "no /no/kvm", isLasting: false)
    )
    #expect(
      AcceleratorProbe.look(at: "/dev/null")
        == .unusable(.broken, reason: "/dev/null makes no VM: ENOTTY", isLasting: false)
    )
  }

  @Test("keeps what guest code has shown, and asks again where the host may only have been busy")
  func kept() throws {
    let cases: [(finding: Finding, accelerator: Accelerator, looks: Int)] = [
      (.usable, .kvm, 1),
      (.unusable(.broken, reason: "it does not run guest code", isLasting: true), .tcg, 1),
      (.unusable(.broken, reason: "it does not finish in time", isLasting: false), .tcg, 2),
      (.unusable(.forbidden, reason: "no permission", isLasting: false), .tcg, 2),
      (.unproven, .kvm, 2),
    ]
    for one in cases {
      try withCache { cache in
        var looks = 0
        for _ in 0..<2 {
          // A device that opens, so that what is kept of it counts.
          let verdict = AcceleratorProbe.verdict(cache: cache, device: "/dev/null") { _ in
            looks += 1
            return one.finding
          }
          #expect(verdict.accelerator == one.accelerator)
          if case .unusable(let obstacle, let reason, _) = one.finding {
            #expect(verdict.reason == reason && verdict.obstacle == obstacle)
          }
        }
        #expect(looks == one.looks, "\(one.finding)")
      }
    }
  }

  @Test("says that KVM is not proven where no guest code was tried") func unproven() throws {
    try withCache { cache in
      let verdict = AcceleratorProbe.verdict(cache: cache, device: "/dev/null") { _ in .unproven }
      #expect(verdict.description.hasPrefix("kvm: /dev/null makes VMs; that they run is not proven on "))
      #expect(TimeoutMultiplier.standard(for: verdict.accelerator) == 1)
    }
  }

  @Test(
    "of a real /dev/kvm is the same twice, and says that guest code runs or does not",
    .enabled(if: access("/dev/kvm", R_OK | W_OK) == 0, "/dev/kvm does not open here")
  )
  func real() throws {
    let first = AcceleratorProbe.look(), second = AcceleratorProbe.look()
    #expect(first == second)
    if case .unusable(let obstacle, let reason, let isLasting) = first {
      #expect(obstacle == .broken)
      #expect(isLasting == reason.contains("guest code") && reason.hasPrefix("/dev/kvm "))
    }
  }
}

@Suite("The choice of the channel") struct ChannelChoiceTests {
  @Test("needs a CID that can be had, not only a device that opens") func device() {
    #expect(
      ChannelVerdict.choose(device: "/no/vsock")
        == ChannelVerdict(.virtioSerial, reason: "no /no/vsock", obstacle: .absent)
    )
    #expect(
      ChannelVerdict.choose(device: "/dev/null")
        == ChannelVerdict(.virtioSerial, reason: "/dev/null gives no CID: ENOTTY", obstacle: .broken)
    )
  }

  @Test(
    "needs vsock sockets, which a seccomp filter may refuse",
    .enabled(if: access(GuestCID.device, R_OK | W_OK) == 0, "there is no /dev/vhost-vsock here")
  )
  func socket() {
    #expect(ChannelVerdict.choose(socket: { nil }) == ChannelVerdict(.vsock))
    let refused = ChannelVerdict.choose(socket: { Errno(EPERM) })
    #expect(
      refused
        == ChannelVerdict(.virtioSerial, reason: "vsock sockets are refused: EPERM", obstacle: .broken)
    )
  }
}
