import ProviumSystem

/// A wrong setting in `provium.toml`: what, where, and what is accepted.
package enum ConfigurationError: Error, Sendable, CustomStringConvertible {
  case unreadable(path: String, reason: String)
  case syntax(path: String, line: Int, column: Int, message: String)
  case unknownKey(path: String, line: Int?, key: String, known: [String])
  case badValue(path: String, line: Int?, key: String, given: String, accepted: String)
  case missingKey(path: String, line: Int?, table: String, key: String)
  case twoKernels(profile: String, kernel: String, option: String)
  case sameKernel(String, option: String)
  case unknownProfile(name: String, known: [String], path: String?)

  package var description: String {
    switch self {
    case .unreadable(let path, let reason):
      return "\(path): \(reason)"
    case .syntax(let path, let line, let column, let message):
      return "\(path):\(line):\(column): \(message)"
    case .unknownKey(let path, let line, let key, let known):
      let last = key.split(separator: ".").last.map(String.init) ?? key
      return "\(Self.place(path, line)): unknown key '\(key)'\(NearestName.hint(for: last, among: known)); "
        + "known here: \(known.joined(separator: ", "))"
    case .badValue(let path, let line, let key, let given, let accepted):
      return "\(Self.place(path, line)): '\(key)' is \(given), but must be \(accepted)"
    case .missingKey(let path, let line, let table, let key):
      return "\(Self.place(path, line)): [\(table)] lacks the key '\(key)'"
    case .twoKernels(let profile, let kernel, let option):
      return
        "the profile '\(profile)' names a kernel of its own (\(kernel)), so --kernel \(option) cannot replace it: "
        + "remove its key kernel, or use another profile"
    case .sameKernel(let kernel, let option):
      return "\(option): the kernel \(kernel) is named twice: name each kernel once"
    case .unknownProfile(let name, let known, let path):
      let hint = NearestName.hint(for: name, among: known)
      let file = path.map { " in \($0)" } ?? " (there is no provium.toml)"
      return "unknown profile '\(name)'\(hint); known\(file): \(known.joined(separator: ", "))"
    }
  }

  private static func place(_ path: String, _ line: Int?) -> String { line.map { "\(path):\($0)" } ?? path }
}
