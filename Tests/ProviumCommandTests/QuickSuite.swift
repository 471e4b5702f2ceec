import Foundation
import ProviumSystem
import Testing

/// A project whose files use no machine, and what `provium test` makes of it. Its cache and its history are its own, and
/// there is no QEMU to be asked for anything.
struct QuickSuite {
  let project: Project

  /// - Parameter files: by their path in `tests`.
  init(_ files: [String: String], roots: [String] = ["tests"]) throws {
    let names = roots.map { "\"\($0)\"" }.joined(separator: ", ")
    project = try Project(
      ["provium.toml": "[provium]\ntests = [\(names)]\ncache = \"cache\"\n"].merging(
        files.map { (roots == ["tests"] ? "tests/\($0.key)" : $0.key, $0.value) }
      ) { $1 }
    )
  }

  @discardableResult
  func run(_ arguments: [String], _ environment: [String: String] = [:], seconds: Int64 = 60) throws
    -> Command
  {
    try Command(
      arguments: arguments,
      in: project.path,
      environment: [
        "PROVIUM_QEMU": "/no/qemu", "PROVIUM_ACCEL": "tcg", "TMPDIR": project.path,
      ].merging(environment) { $1 },
      seconds: seconds
    )
  }

  @discardableResult
  func test(_ arguments: String..., environment: [String: String] = [:]) throws -> Command {
    try run(["test"] + arguments, environment)
  }

  /// Names of the files that `provium list` shows.
  func list(_ arguments: String..., environment: [String: String] = [:]) throws -> [String] {
    let command = try run(["list"] + arguments, environment)
    #expect(command.status == .exited(0), "\(command.text)")
    return command.output.split(separator: "\n").filter { !$0.hasPrefix(" ") }.map(String.init)
  }

  /// The events that a run wrote to `path`.
  func events(_ path: String) throws -> [[String: Any]] {
    try Files.readText("\(project.path)/\(path)").split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
  }

  /// `file / sub-test: outcome` of a run, in the order of their ends; `file: outcome` for files without.
  func results(_ arguments: String..., environment: [String: String] = [:]) throws -> [String] {
    let command = try run(["test", "-p", "1", "--json", "events.json"] + arguments, environment)
    #expect(try #require(command.exitCode) <= 1, "\(command.text)")
    return try events("events.json").filter { $0["event"] as? String == "file_ended" }.flatMap { file in
      let name = file["file"] as? String ?? ""
      let tests = file["tests"] as? [[String: Any]] ?? []
      if tests.isEmpty { return ["\(name): \(file["outcome"] ?? "")"] }
      return tests.map { test in
        "\(name) / \((test["path"] as? [String] ?? []).joined(separator: " / ")): \(test["outcome"] ?? "")"
      }
    }
  }
}

extension Command {
  /// nil when a signal ended it.
  var exitCode: Int32? { if case .exited(let code) = status { code } else { nil } }
}
