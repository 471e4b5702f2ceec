import ProviumSystem

/// Finds the loader and the libraries that programs need, on this host.
struct HostLibraries {
  /// The files to copy into the guest, by their path there, which is their path on this host.
  private(set) var files: Set<String> = []
  /// The names that were not found, by the program or library that needs them.
  private(set) var missing: [String: [String]] = [:]

  /// Folders that the loaders of distributions search (ld.so(8)), and those of /etc/ld.so.conf.
  private let folders: [String]
  private var known: [String: String?] = [:]

  init() {
    let machine = HostFacts.machine
    folders =
      [
        "/lib/\(machine)-linux-gnu", "/usr/lib/\(machine)-linux-gnu", "/lib64", "/usr/lib64", "/lib",
        "/usr/lib",
      ] + Self.configuredFolders()
  }

  /// The folders named in /etc/ld.so.conf.d (ldconfig(8)).
  private static func configuredFolders() -> [String] {
    let folder = "/etc/ld.so.conf.d"
    let files = ((try? Files.list(folder)) ?? []).filter { $0.hasSuffix(".conf") }.sorted()
    return files.flatMap { name in
      ((try? Files.readText("\(folder)/\(name)")) ?? "").split(separator: "\n").map { String($0).trimmed }
        .filter { $0.hasPrefix("/") }
    }
  }

  /// Adds everything that a program needs, with the libraries of its libraries.
  /// - Parameter path: of the program on this host, to which `$ORIGIN` refers.
  mutating func add(_ program: ELFProgram, path: String) {
    if let interpreter = program.interpreter {
      if Files.exists(interpreter) {
        files.insert(interpreter)
      } else {
        missing[path, default: []].append(interpreter)
      }
    }
    for name in program.libraries {
      guard let library = find(name, for: program, at: path) else {
        missing[path, default: []].append(name)
        continue
      }
      guard files.insert(library).inserted, let contents = try? Files.read(library),
        let inner = ELFProgram(contents)
      else { continue }
      add(inner, path: library)
      if let lacking = missing[library] { missing[path, default: []] += lacking }
    }
  }

  private mutating func find(_ name: String, for program: ELFProgram, at path: String) -> String? {
    if name.contains("/") { return Files.exists(name) ? name : nil }
    for folder in program.searchFolders {
      let place = folder.replacing("${ORIGIN}", with: "$ORIGIN").replacing(
        "$ORIGIN",
        with: Files.parent(of: path)
      )
      // A library beside the program is part of its tree.
      if Files.isRegularFile("\(place)/\(name)") { return "\(place)/\(name)" }
    }
    if let found = known[name] { return found }
    let found = folders.lazy.map { "\($0)/\(name)" }.first { candidate in
      guard Files.isRegularFile(candidate), let head = try? Files.readHead(candidate, 64),
        let library = ELFProgram(head)
      else { return false }
      return library.machine == program.machine
    }
    known[name] = .some(found)
    return found
  }
}
