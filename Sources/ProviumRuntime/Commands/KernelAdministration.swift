package import ProviumArchitecture
import ProviumBoot
import ProviumSystem

/// The kernels in the cache, for the command line.
package struct KernelAdministration {
  private let library: KernelLibrary
  /// Removes what has not been used for long, where the cache is above its limit.
  private let store: FixtureStore

  /// - Parameter architecture: the guest's; nil: the host's.
  /// - Throws: `UnknownArchitecture` on a host whose guests Provium does not know.
  package init(_ configuration: Configuration, architecture: Architecture? = nil) throws {
    store = FixtureStore(cache: configuration.settings.cache, maximum: configuration.settings.cacheMaximum)
    library = KernelLibrary(
      cache: configuration.settings.cache,
      architecture: try architecture ?? .host
    )
  }

  /// One kernel of the cache.
  package struct Kernel: Sendable {
    /// As `--kernel` takes it.
    package let name: String
    /// Other names that `--kernel` takes: the tags by which an image was fetched.
    package let otherNames: [String]
    package let release: String
    /// Bytes on the disk.
    package let size: UInt64
    /// Seconds since 1970.
    package let lastUse: Int64

    fileprivate init(_ entry: KernelLibrary.Entry, otherNames: [String] = []) {
      self.otherNames = otherNames.filter { $0 != entry.name }.sorted()
      (name, release, size, lastUse) = (entry.name, entry.release, entry.size, entry.lastUse)
    }
  }

  /// All of them, sorted by name.
  package func list() throws -> [Kernel] {
    let names = library.imageNames()
    return try library.entries().map { Kernel($0, otherNames: names[$0.folder] ?? []) }
  }

  /// Fetches the newest kernel that a name fits.
  /// - Returns: The name of exactly this kernel.
  /// - Throws: `ImageError`.
  package func fetch(_ name: String, progress: (String) -> Void) throws -> String {
    let fetched = try library.fetch(KernelName(name), progress: progress)
    store.makeRoom(keeping: nil)
    return fetched
  }

  /// Adds a kernel from .deb or .rpm files, or from a folder.
  /// - Parameter name: nil: its release.
  /// - Throws: `ImageError`.
  package func add(_ paths: [String], name: String?, progress: (String) -> Void) throws -> Kernel {
    Kernel(try library.add(paths, name: name, progress: progress))
  }

  /// - Returns: False if there is no such kernel.
  package func remove(_ name: String) throws -> Bool { try library.remove(name) }

  /// Whether the folder is a kernel build tree, built or not.
  package static func isTree(_ folder: String) -> Bool { KernelBuildTree(folder) != nil }

  /// The release of the kernel that was built in a folder; nil: it is not a kernel build tree, or nothing was built there for
  /// this host's architecture.
  package static func builtTree(_ folder: String) -> String? {
    guard let tree = KernelBuildTree(folder), let architecture = try? Architecture.host else { return nil }
    return try? tree.built(for: architecture).release
  }
}
