/// A value of a configuration that no VM can have.
public struct InvalidConfiguration: Error, Sendable, Hashable, CustomStringConvertible {
  /// The setting with the value.
  package enum Setting: Sendable, Hashable {
    case memory, cpus, bootTimeLimit, initialTime, clock, root
    /// By the guest path as it was given.
    case file([UInt8])
    /// By position in `disks`, from 0.
    case disk(Int)
    /// By its id.
    case servedDisk(String)
    /// By the path in the guest.
    case share(String)
  }

  package enum Problem: Sendable, Hashable {
    /// The value is not one of those that are accepted.
    case expected(String, given: String)
    /// A phrase that follows the name of the value: `is below /a, which is a file`.
    case refused(String)
  }

  package let setting: Setting
  package let problem: Problem

  package init(_ setting: Setting, _ problem: Problem) {
    self.setting = setting
    self.problem = problem
  }

  /// `memory must be at least 64M, in whole megabytes, got 32M`
  public var description: String {
    "\(name) \(reason)"
  }

  /// A phrase that follows the name of the value.
  package var reason: String {
    switch problem {
    case .expected(let accepted, let given): "must be \(accepted), got \(given)"
    case .refused(let reason): reason
    }
  }

  private var name: String {
    switch setting {
    case .memory: "memory"
    case .cpus: "cpus"
    case .bootTimeLimit: "bootTimeLimit"
    case .initialTime: "initialTime"
    case .clock: "clock"
    case .root: "root"
    case .file(let path): "files['\(String(decoding: path, as: UTF8.self))']"
    case .disk(let index): "disks[\(index)]"
    case .servedDisk(let id): "the disk '\(id)'"
    case .share(let path): "share['\(path)']"
    }
  }
}
