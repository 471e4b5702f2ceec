/// One thing that a fixture was made from. A fixture is current while all its inputs are what they were.
package struct FixtureInput: Sendable, Codable, Hashable {
  /// What sort of thing it is; each sort is looked up again in its own way.
  package enum Kind: String, Sendable, Codable {
    /// The fixture's own script.
    case source
    /// A file that the script loaded (`dofile`, `require`).
    case loaded
    /// The fixture that it starts from; the value is that one's key.
    case base
    /// Kernel, initrd, root disk, modules, disks, injected files: by content.
    case file
    /// Anything that is a plain value: versions, accelerator, processor, boot options.
    case value
  }

  package let kind: Kind
  /// `kernel`, `fixtures/base.lua`, `QEMU`: how `provium fixture why` calls it.
  package let name: String
  /// Where it is looked up again: an absolute path, or a fixture's name; empty for values.
  package let location: String
  /// SHA-256 in hex, or the value itself.
  package let value: String

  package init(kind: Kind, name: String, location: String = "", value: String) {
    self.kind = kind
    self.name = name
    self.location = location
    self.value = value
  }
}

/// What a `stat(2)` says of a file that must not have changed: cheaper than its contents, and a write, a truncation
/// or a copy over it changes at least the change time, which no program can set.
package struct FileFingerprint: Sendable, Codable, Hashable {
  /// Relative to the fixture's folder.
  package let name: String
  package let size: UInt64
  package let inode: UInt64
  package let modifiedNanoseconds: Int64
  package let changedNanoseconds: Int64
}
