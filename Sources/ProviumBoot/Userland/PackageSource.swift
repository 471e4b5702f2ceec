import ProviumArchitecture
import ProviumSystem

/// Debian's and Ubuntu's packages, fetched without root: the system's package lists where they are there, else lists of our
/// own in the cache.
struct PackageSource {
  let folder: String
  /// `amd64`, `arm64`.
  let debianArchitecture: String
  private let isForeign: Bool
  /// The list of the packages that count as installed.
  private let status: String

  /// - Parameter status: nil: the packages that the host has installed.
  init(folder: String, architecture: Architecture, status: String? = nil) throws {
    guard ToolRun.find("apt-get") != nil, ToolRun.find("dpkg-deb") != nil else {
      throw ImageError.noKernel(reasons: ["apt-get and dpkg-deb are not on this host (not Debian or Ubuntu?)"]
      )
    }
    self.folder = folder
    self.status = status ?? "/var/lib/dpkg/status"
    debianArchitecture = architecture.debianName
    isForeign = architecture.name != HostFacts.machine
  }

  /// State of our own, so that neither root nor the system's locks are needed.
  private var options: [String] {
    [
      "-o", "Dir::State=\(folder)/state", "-o", "Dir::State::status=\(status)",
      "-o", "Dir::Cache=\(folder)/cache", "-o", "APT::Architecture=\(debianArchitecture)",
      "-o", "APT::Architectures=\(debianArchitecture)", "-o", "Debug::NoLocking=1", "-o",
      "APT::Sandbox::User=",
    ] + (usesSystemLists ? ["-o", "Dir::State::lists=/var/lib/apt/lists"] : [])
  }

  /// The folder with the lists of packages.
  var lists: String { usesSystemLists ? "/var/lib/apt/lists" : "\(folder)/state/lists" }

  private var usesSystemLists: Bool {
    guard !isForeign, let lists = try? Files.list("/var/lib/apt/lists") else { return false }
    return lists.contains { $0.contains("_Packages") }
  }

  func prepare(progress: (String) -> Void) throws {
    for part in ["state/lists/partial", "cache/archives/partial", "packages"] {
      try Files.createDirectories("\(folder)/\(part)")
    }
    guard !usesSystemLists else { return }
    progress("fetching package lists")
    try run("apt-get", ["update", "-qq"])
  }

  /// The newest kernel made for virtual machines.
  func kernelPackage() throws -> String {
    var tried: [String] = []
    for meta in [
      "linux-image-cloud-\(debianArchitecture)", "linux-image-virtual", "linux-image-\(debianArchitecture)",
    ] {
      tried.append(meta)
      let found = dependencies(of: meta).first {
        $0.hasPrefix(Self.imagePrefix) && $0.contains(where: \.isNumber)
      }
      if let found { return found }
    }
    throw ImageError.noKernel(reasons: [
      "no package of \(tried.joined(separator: ", ")) is known (apt-get update?)"
    ])
  }

  private static let imagePrefix = "linux-image-"

  /// The names of all packages that may hold a kernel.
  func kernelPackages() throws -> [String] {
    try run("apt-cache", ["pkgnames", Self.imagePrefix]).outputText.split(separator: "\n").map(String.init)
  }

  /// `6.1.0-56-cloud-amd64` of `linux-image-6.1.0-56-cloud-amd64` and `linux-image-unsigned-6.1.0-56-cloud-amd64`
  static func release(ofImage package: String) -> String {
    String(package.dropFirst(imagePrefix.count)).replacingPrefix("unsigned-", with: "")
  }

  /// The other packages of the same kernel. Ubuntu has the modules in linux-modules-RELEASE; Debian, from 14 on, has the kernel
  /// in linux-binary-RELEASE, the modules in linux-modules-RELEASE, and their lists in linux-base-RELEASE.
  func companions(of image: String) -> [String] {
    Self.companions(among: dependencies(of: image), release: Self.release(ofImage: image))
  }

  static func companions(among packages: [String], release: String) -> [String] {
    packages.filter { $0.hasPrefix("linux-") && $0.hasSuffix("-\(release)") }
  }

  private func dependencies(of package: String) -> [String] {
    let found = try? run("apt-cache", ["depends", "--important", package])
    return Self.dependencies(in: found?.outputText ?? "")
  }

  /// The packages of the lines `Depends: NAME` and `PreDepends: NAME` of apt-cache, without virtual ones and alternatives.
  static func dependencies(in output: String) -> [String] {
    output.split(separator: "\n").compactMap { line in
      let words = line.split(separator: " ")
      guard words.count == 2, words[0] == "Depends:" || words[0] == "PreDepends:", !words[1].hasPrefix("<")
      else { return nil }
      return String(words[1])
    }
  }

  func unpack(_ package: String, into tree: String) throws {
    let packages = "\(folder)/packages"
    try run("apt-get", ["download", "-qq", package], directory: packages)
    let files = try Files.list(packages).filter { $0.hasPrefix("\(package)_") && $0.hasSuffix(".deb") }
    guard let file = files.first else {
      throw ImageError.noKernel(reasons: ["apt-get download \(package) left no file in \(packages)"])
    }
    try Files.createDirectories(tree)
    _ = try ToolRun.run("dpkg-deb", ["-x", "\(packages)/\(file)", tree], deadline: .after(.seconds(300)))
    try Files.removeTree("\(packages)/\(file)")
  }

  @discardableResult
  func run(_ tool: String, _ arguments: [String], directory: String? = nil) throws -> ToolRun {
    try ToolRun.run(tool, options + arguments, directory: directory, deadline: .after(.seconds(600)))
  }
}
