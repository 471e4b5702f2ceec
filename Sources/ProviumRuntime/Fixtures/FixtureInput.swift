import ProviumSystem

/// One thing that a fixture was built from. `StalenessCheck` decides whether it has changed.
package struct FixtureInput: Sendable, Codable, Hashable {
  /// The sort of input; each is compared in its own way.
  package enum Kind: String, Sendable, Codable {
    /// The fixture's own script, by contents.
    case source
    /// A file that the script loaded (`dofile`, `require`), by contents.
    case loaded
    /// A path where a script was looked for and not found: if a file appears there, it is loaded instead.
    case absent
    /// The fixture that this one starts from, by the name in its script; the value is that fixture's build ID.
    case base
    /// A host file in a VM: kernel, initrd, root disk, module, disk, injected file. By contents.
    case file
    /// A folder of the host that was copied into a VM (`vm:push`): names, types, permissions, times and contents.
    case folder
    /// One setting of a profile that a VM was booted from. Another kernel file of the same contents is the same `file`, but
    /// another path is another setting.
    case profile
    /// A plain value: a version.
    case value
  }

  package let kind: Kind
  /// The name that `provium fixture why` shows: `kernel`, `fixtures/base.lua`, `Provium`.
  package let name: String
  /// Where it is compared: an absolute path (for a base, its script's) or the name of a profile; empty for values.
  package let location: String
  /// A SHA-256 in hex, a build ID, or the value itself.
  package let value: String

  package init(kind: Kind, name: String, location: String = "", value: String) {
    self.kind = kind
    self.name = name
    self.location = location
    self.value = value
  }
}
