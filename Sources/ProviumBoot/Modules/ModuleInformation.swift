/// The section .modinfo of modules: NUL-terminated `key=value` strings.
struct ModuleInformation: Sendable, Hashable {
  /// The modules that it needs: `depends=`.
  let dependencies: [String]
  let softDependencies: SoftDependencies
  /// `alias=`: patterns of the names that it answers to.
  let aliases: [String]
  /// The first word of `vermagic=`: `6.1.0-56-cloud-amd64`.
  let release: String?
  /// `name=`; nil before Linux 4.14, which does not say.
  let name: String?

  /// Finds the strings by their keys, anywhere in the module: no other section has such strings.
  init(module: [UInt8]) {
    func values(_ key: String) -> [String] {
      let mark = Array("\0\(key)=".utf8)
      var found: [String] = []
      var start = 0
      while let place = module.firstRange(of: mark, from: start) {
        found.append(String(decoding: module[(place + mark.count)...].prefix { $0 != 0 }, as: UTF8.self))
        start = place + mark.count
      }
      return found
    }
    dependencies = values("depends").flatMap { $0.split(separator: ",").map(ModuleName.normalized) }
    softDependencies = values("softdep").map { SoftDependencies($0) }.reduce(SoftDependencies(), +)
    aliases = values("alias").map(ModuleName.normalized)
    release = values("vermagic").first?.split(separator: " ").first.map(String.init)
    name = values("name").first.map(ModuleName.normalized)
  }

  /// The beginning of a relocatable ELF64 file, little-endian: magic number, class, byte order, version, ABI, padding, type.
  private static let beginning: [UInt8] =
    [0x7f, 0x45, 0x4c, 0x46, 2, 1, 1, 0] + [UInt8](repeating: 0, count: 8) + [1, 0]

  /// Splits the contents of several modules that follow each other.
  static func split(_ modules: [UInt8]) -> [[UInt8]] {
    var starts: [Int] = []
    var next = 0
    while let start = modules.firstRange(of: beginning, from: next) {
      starts.append(start)
      next = start + beginning.count
    }
    return zip(starts, starts.dropFirst() + [modules.count]).map { Array(modules[$0..<$1]) }
  }
}

/// The modules, or aliases of modules, that modprobe(8) loads before and after another one, where they exist.
struct SoftDependencies: Sendable, Hashable {
  var before: [String] = []
  var after: [String] = []

  init() {}

  /// Reads `pre: crypto-crc32c post: a b`.
  init(_ text: some StringProtocol) {
    var isAfter: Bool?
    for word in text.split(whereSeparator: \.isWhitespace) {
      switch (word, isAfter) {
      case ("pre:", _): isAfter = false
      case ("post:", _): isAfter = true
      case (_, false?): before.append(ModuleName.normalized(word))
      case (_, true?): after.append(ModuleName.normalized(word))
      case (_, nil): continue
      }
    }
  }

  static func + (left: SoftDependencies, right: SoftDependencies) -> SoftDependencies {
    var sum = left
    sum.before += right.before
    sum.after += right.after
    return sum
  }
}
