import ProviumAgentImage
import ProviumBoot
import ProviumSystem

/// One thing that a fixture was made from. A fixture is current while all its inputs are what they were.
package struct FixtureInput: Sendable, Codable, Hashable {
  /// What sort of thing it is; each sort is looked up again in its own way.
  package enum Kind: String, Sendable, Codable {
    /// The fixture's own script.
    case source
    /// A file that the script loaded (`dofile`, `require`).
    case loaded
    /// A file that was looked for before a loaded one and was not there: from when it is, another one is loaded.
    case absent
    /// The fixture that it starts from, by the name that its script gives it; the value is that one's key.
    case base
    /// Kernel, initrd, root disk, modules, disks, injected files: by content.
    case file
    /// One setting of a profile that its machines were booted from: another kernel of the same contents is no change, another
    /// path to look at is.
    case profile
    /// Anything that is a plain value: versions.
    case value
  }

  package let kind: Kind
  /// `kernel`, `fixtures/base.lua`, `QEMU`: how `provium fixture why` calls it.
  package let name: String
  /// Where it is looked up again: an absolute path (of a base, its script's), or the name of a profile; empty for values.
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

extension FixtureInput {
  /// Values that every fixture depends on, as they are now.
  static var presentValues: [String: String] {
    ["Provium": ProviumVersion.string, "the agent": AgentImage.buildIDHex]
  }

  /// What a profile says now, setting by setting; empty when it is gone.
  static func profileValues(_ name: String, of engine: Engine) -> [String: String] {
    guard let profile = try? engine.configuration.profile(name) else { return [:] }
    let kernel =
      profile.kernel
      // The built-in profile takes the kernel that the cache holds: that may be another one by now.
      ?? (try? DistributionKernel.prepare(
        cache: engine.configuration.settings.cache,
        architecture: profile.architecture ?? .host
      ))?.kernel
    return [
      "kernel": kernel, "initrd": profile.initrd, "rootfs": profile.rootfs, "init": profile.initProgram,
      "append": profile.append, "modules": profile.modules, "arch": profile.architecture?.name,
    ].mapValues { $0 ?? "not set" }
  }
}

/// What a `stat(2)` says of a file that must not have changed: cheaper than its contents, and a write, a truncation
/// or a copy over it changes at least the change time, which no program can set.
package struct FileFingerprint: Sendable, Codable, Hashable {
  /// Relative to the build's folder.
  package let name: String
  package let size: UInt64
  package let inode: UInt64
  package let modifiedNanoseconds: Int64
  package let changedNanoseconds: Int64
}
