import ProviumSystem

/// The names that modules answer to besides their own, as depmod(8) and the kernel's build list them.
struct ModuleAliases {
  /// Lines `alias PATTERN MODULE` of `modules.alias`; empty where depmod has not run.
  private let lines: [UInt8]
  /// The aliases of drivers that are built in, from `modules.builtin.modinfo`.
  private let builtin: [(pattern: String, module: String)]

  /// Reads the lists of a module folder.
  init(_ directory: String) {
    lines = (try? Files.read("\(directory)/modules.alias")) ?? []
    builtin = Self.builtinAliases((try? Files.read("\(directory)/modules.builtin.modinfo")) ?? [])
  }

  /// The modules that answer to a normalized name, in the order of the lists, and whether a driver that is built in does.
  func modules(for name: String) -> (modules: [String], isBuiltIn: Bool) {
    var found: [String] = []
    for line in lines.split(separator: UInt8(ascii: "\n")) where mayMatch(line, name) {
      let words = String(decoding: line, as: UTF8.self).split(separator: " ")
      guard words.count == 3, words[0] == "alias" else { continue }
      if ModuleName.matches(name, pattern: ModuleName.normalized(words[1])) {
        found.append(ModuleName.normalized(words[2]))
      }
    }
    let isBuiltIn = builtin.contains { ModuleName.matches(name, pattern: $0.pattern) }
    return (found.uniqued(), isBuiltIn)
  }

  /// Compares the first character, without making text of tens of thousands of lines.
  private func mayMatch(_ line: ArraySlice<UInt8>, _ name: String) -> Bool {
    let start = line.startIndex + Array("alias ".utf8).count
    guard start < line.endIndex, let first = name.utf8.first else { return false }
    return line[start] == first || Array("*?[\\-".utf8).contains(line[start])
  }

  /// Strings `MODULE.alias=PATTERN`, each ended by NUL.
  private static func builtinAliases(_ text: [UInt8]) -> [(pattern: String, module: String)] {
    let key = ".alias="
    return text.split(separator: 0).compactMap { entry in
      let entry = String(decoding: entry, as: UTF8.self)
      guard let range = entry.firstRange(of: key) else { return nil }
      return (
        ModuleName.normalized(entry[range.upperBound...]), ModuleName.normalized(entry[..<range.lowerBound])
      )
    }
  }
}
