/// The way in which host and guest communicate.
package enum ChannelKind: String, Sendable, Codable, CaseIterable {
  case vsock
  case virtioSerial = "virtio-serial"
}
