import ProviumLua
import ProviumSystem
import ProviumVM

/// The options of a disk with an id: `vm:boot{disks = {{id = "data", size = "256M"}}}`.
extension ServedDisk {
  /// Whether an element of `disks` describes a disk that Provium provides.
  static func isDescribed(by value: LuaArgument) -> Bool {
    guard case .table(let table) = value.value else { return false }
    return !table["id"].isNil
  }

  /// - Parameter folder: the folder that relative host paths start from.
  init(_ value: LuaArgument, folder: String) throws {
    let options = try value.options(known: [
      "id", "size", "path", "cache", "model", "sector_size", "overlay", "log", "seed", "removable",
    ])
    let image = try options["path"]?.string()
    let size: UInt64
    if let given = options["size"] {
      size = try given.size()
    } else if let image {
      // Rounded up to whole sectors of either size. Validation refuses a path that does not name a file.
      let length = Files.size(Files.resolve(image, against: folder)) ?? 4096
      size = max(4096, (length + 4095) / 4096 * 4096)
    } else {
      throw value.expected("a table with 'size' or 'path' beside 'id'")
    }
    self.init(id: try options["id"]?.string() ?? "", size: size)
    self.image = image
    let cache = try options["cache"]?.string(oneOf: Cache.allCases.map(\.rawValue))
    self.cache = cache.flatMap(Cache.init(rawValue:)) ?? .volatile
    let model = try options["model"]?.string(oneOf: Model.allCases.map(\.rawValue))
    self.model = model.flatMap(Model.init(rawValue:)) ?? .virtioBlock
    if let removable = options["removable"] { isRemovable = try removable.boolean() }
    if let sector = options["sector_size"] { sectorSize = Int(clamping: try sector.integer()) }
    if let limit = options["overlay"] { overlayLimit = try limit.size() }
    if let limit = options["log"] { logLimit = try limit.size() }
    if let seed = options["seed"] { self.seed = UInt64(bitPattern: try seed.integer()) }
  }
}
