import ProviumArchitecture
import ProviumSystem

/// The loaders, libraries and interpreters that the programs of a tree need.
struct ProgramNeeds: Sendable {
  /// By the path of a loader, or of an interpreter of scripts that is copied with it: the host files to copy, itself included.
  private let libraries: [String: Set<String>]

  /// Interpreters that work alone, with nothing but their libraries.
  private static let plainInterpreters: Set<String> = ["/bin/bash", "/usr/bin/bash"]

  /// - Throws: `SuiteError.foreignTree` for programs that the guest cannot run.
  init(_ tree: ProgramTree, _ contents: TreeContents, guest: Architecture) throws {
    var byLoader: [String: HostLibraries] = [:]
    var interpreters: Set<String> = []
    for (path, entry) in contents.entries {
      guard case .file(let mode, let size, _) = entry, mode & 0o111 != 0, size > 0 else { continue }
      let host = "\(tree.path)/\(path)"
      let file = try Files.read(host)
      if let interpreter = Shebang.interpreter(of: file) { interpreters.insert(interpreter) }
      guard let program = ELFProgram(file) else { continue }
      try Self.check(program, path: path, guest: guest)
      guard let loader = program.interpreter else { continue }
      byLoader[loader, default: HostLibraries()].add(program, path: host)
    }
    // Another architecture's libraries are not on this host.
    guard guest.name == HostFacts.machine else {
      self.init([:])
      return
    }
    var libraries: [String: Set<String>] = [:]
    for (loader, found) in byLoader {
      libraries[loader] = found.files.filter { !$0.hasPrefix("\(tree.path)/") }
    }
    for interpreter in interpreters.intersection(Self.plainInterpreters) where Files.exists(interpreter) {
      var found = HostLibraries()
      if let program = ELFProgram(try Files.read(interpreter)) { found.add(program, path: interpreter) }
      libraries[interpreter] = found.files.union([interpreter])
    }
    self.init(libraries)
  }

  init(_ libraries: [String: Set<String>]) { self.libraries = libraries }

  /// The host files to copy, by their path in the guest.
  /// - Parameter isMissing: whether the guest lacks a loader or an interpreter. Asked before anything is copied: the files of one
  ///   contain another.
  func files(where isMissing: (String) throws -> Bool) rethrows -> Set<String> {
    try libraries.keys.sorted().filter(isMissing).reduce(into: []) { $0.formUnion(libraries[$1] ?? []) }
  }

  /// - Throws: `SuiteError.foreignTree` for a program of another architecture.
  static func check(_ program: ELFProgram, path: String, guest: Architecture) throws {
    let own = Architecture(elfMachine: program.machine)
    // 32-bit programs of the same family are part of a tree.
    let isCompatible = program.machine == guest.elfMachine || own == nil
    guard isCompatible else {
      throw SuiteError.foreignTree(program: path, tree: own?.name ?? "", guest: guest.name)
    }
  }
}

/// The first line of a script: `#!/bin/bash`.
enum Shebang {
  /// The kernel reads no longer first line (`BINPRM_BUF_SIZE`).
  private static let limit = 256

  /// The path of the interpreter; with `#!/usr/bin/env NAME` the path of env. nil: no script.
  static func interpreter(of file: [UInt8]) -> String? {
    guard file.starts(with: [UInt8(ascii: "#"), UInt8(ascii: "!")]) else { return nil }
    let line = file.prefix(limit).dropFirst(2).prefix { $0 != UInt8(ascii: "\n") }
    return String(decoding: line, as: UTF8.self).split { $0 == " " || $0 == "\t" }.first.map(String.init)
  }
}
