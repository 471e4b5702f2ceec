import Synchronization

/// A device of any type that can be compared and saved: `{"kind": "disk", "device": {…}}`.
package struct AnyMachineDevice: Sendable {
  package let device: any MachineDevice

  /// Makes the device's type known, so that a configuration that this process saved can be read again.
  package init(_ device: any MachineDevice) {
    self.device = device
    Self.register(type(of: device))
  }

  private static let known = Mutex(Dictionary(uniqueKeysWithValues: kinds.map { ($0.kind, $0) }))

  private static func register(_ type: any MachineDevice.Type) {
    known.withLock { $0[type.kind] = type }
  }
}

extension AnyMachineDevice: Hashable {
  package static func == (left: AnyMachineDevice, right: AnyMachineDevice) -> Bool {
    AnyHashable(left.device) == AnyHashable(right.device)
  }
  package func hash(into hasher: inout Hasher) { AnyHashable(device).hash(into: &hasher) }
}

extension AnyMachineDevice: Codable {
  private enum Key: String, CodingKey { case kind, device }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: Key.self)
    let kind = try container.decode(String.self, forKey: .kind)
    guard let type = Self.known.withLock({ $0[kind] }) else {
      throw DecodingError.dataCorruptedError(
        forKey: .kind,
        in: container,
        debugDescription: "this version of Provium has no device '\(kind)'"
      )
    }
    self.init(try type.init(from: try container.superDecoder(forKey: .device)))
  }

  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: Key.self)
    try container.encode(type(of: device).kind, forKey: .kind)
    try device.encode(to: container.superEncoder(forKey: .device))
  }
}
