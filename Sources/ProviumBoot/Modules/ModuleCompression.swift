import ProviumSystem

/// How a module file is compressed, by its name.
enum ModuleCompression: Hashable {
  case none, xz, zstd, gzip

  init(path: String) {
    switch path.split(separator: ".").last {
    case "xz": self = .xz
    case "zst": self = .zstd
    case "gz": self = .gzip
    default: self = .none
    }
  }

  private var tool: (name: String, arguments: [String])? {
    switch self {
    case .none: nil
    case .xz: ("xz", ["-dc"])
    case .zstd: ("zstd", ["-dcq"])
    case .gzip: ("gzip", ["-dc"])
    }
  }

  /// The bytes of one module.
  func unpack(_ path: String) throws -> [UInt8] {
    guard let tool else { return try Files.read(path) }
    return try ToolRun.run(tool.name, tool.arguments + [path]).output
  }

  /// The bytes of several modules, unpacked by one process.
  func unpackAll(_ paths: [String]) throws -> [[UInt8]] {
    guard let tool else { return try paths.map { try Files.read($0) } }
    return ModuleInformation.split(try ToolRun.run(tool.name, tool.arguments + paths).output)
  }
}
