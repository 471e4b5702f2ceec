/// A part of a VM that adds arguments to QEMU. Each device is one file in this folder. `AnyMachineDevice.kinds` lists those
/// that a saved configuration may hold; `MachineConfiguration.allDevices` has those that every VM has.
package protocol MachineDevice: Sendable, Hashable, Codable {
  /// The name of the type in a saved configuration.
  static var kind: String { get }

  /// The modules that the guest's kernel needs, unless they are built in. The default is none.
  var kernelModules: [String] { get }

  /// Opens the descriptors that QEMU inherits for this device, each under a name of its own. The default opens none.
  func openDescriptors(_ descriptors: LaunchDescriptors) throws

  /// The arguments of QEMU. Pure: everything that differs from launch to launch comes from `context.wiring`.
  func qemuArguments(_ context: DeviceContext) -> [String]

  /// The host files whose contents the guest can read through the device. They are part of a fixture's inputs. The default
  /// is none.
  func hostInputs() throws -> [HostInput]

  /// Everything that a resumed VM must have in common with the saved one: QEMU notices some differences and not others.
  /// The default is the arguments of QEMU with placeholders for what differs from launch to launch.
  func snapshotIdentity(_ context: DeviceContext) -> [String]
}

extension MachineDevice {
  package var kernelModules: [String] { [] }
  package func openDescriptors(_ descriptors: LaunchDescriptors) throws {}
  package func hostInputs() throws -> [HostInput] { [] }
  package func snapshotIdentity(_ context: DeviceContext) -> [String] { qemuArguments(context.forComparison) }
}

/// Where a device is: its place in the VM, the platform, and the wiring of the launch.
package struct DeviceContext: Sendable {
  package let platform: Platform
  /// Counts the devices of the same type, from 0.
  package let number: Int
  package let wiring: LaunchWiring

  package init(platform: Platform, number: Int = 0, wiring: LaunchWiring) {
    self.platform = platform
    self.number = number
    self.wiring = wiring
  }

  /// The same place with placeholders instead of wiring.
  package var forComparison: DeviceContext {
    DeviceContext(platform: platform, number: number, wiring: .comparison)
  }
}
