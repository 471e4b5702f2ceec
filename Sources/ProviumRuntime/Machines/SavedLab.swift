import ProviumVM

/// The VMs and networks of a script that were saved together.
///
///     BUILD/node-NAME/    the snapshot of one VM, by its host name
///     BUILD/frames-N      the frames that were on their way in network N, from 0
package struct SavedLab: Sendable, Codable, Hashable {
  /// One network device of a VM.
  struct Interface: Sendable, Codable, Hashable {
    /// The network, and the port in it, from 0.
    let network: Int
    let port: Int
    let guestName: String
    let isUp: Bool
  }

  struct Node: Sendable, Codable, Hashable {
    /// The host name.
    let name: String
    let profile: String
    /// Without a folder: that is `folder` in the build's folder.
    var snapshot: Snapshot
    let interfaces: [Interface]

    var folder: String { SavedLab.folder(of: name) }
  }

  var machines: [Node]
  var networks: [SavedNetwork]

  static func folder(of name: String) -> String { "node-\(name)" }
  static func framesName(_ network: Int) -> String { "frames-\(network)" }

  /// The names of its files and folders in the build's folder.
  var fileNames: [String] { machines.map(\.folder) + networks.indices.map(Self.framesName) }
}

/// A lab that was resumed.
package struct Lab {
  package let name: String
  /// By their host names, in the order of their creation.
  package let machines: [(name: String, machine: Machine)]
  package let networks: [VirtualNetwork]
}
