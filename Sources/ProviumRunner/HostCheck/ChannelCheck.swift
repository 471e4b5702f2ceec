import ProviumVM

/// Says how host and guest communicate. Both channels are equally good.
enum ChannelCheck {
  static func finding(_ verdict: ChannelVerdict) -> HostFinding {
    if verdict.kind == .vsock { return HostFinding(.good, "channel", "vsock") }
    let remedy: String? =
      switch verdict.obstacle {
      case .absent: "modprobe vhost_vsock"
      case .forbidden:
        "adduser $USER kvm, log in again, and check that \(GuestCID.device) belongs to that group"
      case .broken, nil: nil
      }
    return HostFinding(
      .good,
      "channel",
      "virtio-serial (\(verdict.reason))",
      remedy: remedy.map { "equally good; for vsock: \($0)" } ?? "equally good"
    )
  }
}
