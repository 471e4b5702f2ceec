import ProviumBoot
import ProviumRuntime
import ProviumSystem

/// The KUnit suites of a profile's kernel and of its modules, as the files on this host tell them. Boots and fetches nothing.
struct KUnitKernel: Sendable {
  /// A module with suites.
  struct Module: Sendable, Hashable {
    let name: String
    /// Empty: their names cannot be read.
    let suites: [String]
  }

  /// The suites that are built in; nil: only a boot tells them.
  let builtIn: [String]?
  /// By name.
  let modules: [Module]
  /// The folder of the modules; nil: there is none.
  let moduleFolder: String?
  /// The kernel's release; nil: its file does not tell.
  let release: KernelRelease?
  /// Whether KUnit itself is a module.
  let isModule: Bool

  /// The module that is KUnit itself.
  static let moduleName = "kunit"

  /// - Throws: `ImageError` for a module folder that the profile names and that cannot be read.
  init(_ profile: Profile, in configuration: Configuration) throws {
    let cache = configuration.settings.cache
    let architecture = try profile.architecture ?? .host
    let named = profile.kernel.flatMap { KernelLibrary(cache: cache, architecture: architecture).kept($0) }
    let own =
      profile.kernel == nil ? DistributionKernel.prepared(cache: cache, architecture: architecture) : nil
    let kernel = named?.kernel ?? own?.kernel
    let image = kernel.flatMap { try? KernelImage($0) }
    moduleFolder = profile.modules ?? named?.modules ?? own?.modules ?? image?.usualModules
    release = (image?.release ?? named?.release).flatMap(KernelRelease.init)
    let tree = try moduleFolder.map { try ModuleTree($0) }
    isModule = tree?.path(of: Self.moduleName) != nil
    modules = try tree.map(Self.modules) ?? []
    // Suites can be built in only where KUnit is.
    builtIn =
      isModule
      ? [] : Self.files(kernel: kernel, buildTree: named?.buildTree).lazy.compactMap(Self.builtIn).first
  }

  /// The files that may have the kernel's symbols.
  private static func files(kernel: String?, buildTree: String?) -> [String] {
    [buildTree.map { "\($0)/vmlinux" }, kernel].compactMap { $0 }
  }

  private static func builtIn(_ path: String) -> [String]? {
    ELFSections(path).flatMap(KUnitSuiteTable.suites(ofKernel:))
  }

  /// The modules that have suites. Before Linux 6.0 a module does not tell them.
  private static func modules(_ tree: ModuleTree) throws -> [Module] {
    guard tree.has(moduleName) else { return [] }
    let dependents = tree.dependents(of: moduleName)
    let isModule = tree.path(of: moduleName) != nil
    return try tree.names.compactMap { name in
      guard name != moduleName else { return nil }
      if isModule, let dependents, !dependents.contains(name) { return nil }
      let sections: ELFSections?
      if !tree.isCompressed(name) {
        sections = tree.path(of: name).flatMap { ELFSections("\(tree.directory)/\($0)") }
      } else {
        // Unpacking all modules of a distribution takes minutes.
        guard isModule && dependents != nil || isTest(name) else { return nil }
        sections = ELFSections(contents: try tree.contents(of: name))
      }
      if let suites = sections.flatMap(KUnitSuiteTable.suites(ofModule:)) {
        return Module(name: name, suites: suites)
      }
      // A module that needs KUnit, and is a test by its name, has suites that it starts itself.
      return dependents?.contains(name) == true && isTest(name) ? Module(name: name, suites: []) : nil
    }
  }

  /// Whether a module is called as the kernel's style guide asks (Documentation/dev-tools/kunit/style.rst), or as it was before.
  private static func isTest(_ module: String) -> Bool { module.contains("kunit") || module.contains("test") }
}
