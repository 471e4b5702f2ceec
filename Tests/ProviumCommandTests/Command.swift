import Glibc
import ProviumSystem

/// Runs the built `provium`, as a user would.
struct Command {
  let status: ExitStatus
  let output: String
  let errors: String

  /// Beside the test bundle.
  static let binary: String = {
    guard let path = realpath("/proc/self/exe", nil) else { return "provium" }
    defer { free(path) }
    var folder = Files.parent(of: String(cString: path))
    // Under `swift test` the bundle itself runs, or a helper of the toolchain that has loaded it.
    for argument in CommandLine.arguments where argument.hasSuffix(".xctest") {
      folder = Files.parent(of: argument)
    }
    return "\(folder)/provium"
  }()

  init(_ arguments: String..., in folder: String, environment: [String: String] = [:], seconds: Int64 = 60)
    throws
  {
    var variables = ["PATH": "/usr/bin:/bin:/usr/sbin:/sbin", "HOME": String(cString: getenv("HOME"))]
    variables.merge(environment) { $1 }
    let run = try ToolRun.run(
      Self.binary,
      arguments,
      directory: folder,
      environment: variables.map { "\($0.key)=\($0.value)" },
      allowFailure: true,
      deadline: .after(.seconds(seconds))
    )
    status = run.status
    output = run.outputText
    errors = run.errorText
  }

  /// Everything it said.
  var text: String { output + errors }
}

/// A project folder of the test's own, removed with it.
final class Project: Sendable {
  let path: String

  init(_ files: [String: String] = [:]) throws {
    path = "/tmp/provium-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try Files.createDirectories(path)
    for (name, text) in files {
      try Files.createDirectories(Files.parent(of: "\(path)/\(name)"))
      try Files.write(Array(text.utf8), to: "\(path)/\(name)", mode: 0o644)
    }
  }
  deinit { try? Files.removeTree(path) }
}

/// Why tests with machines do not run here; nil: they do.
let noMachines: String? =
  Environment["PROVIUM_TEST_NO_VM"] != nil
  ? "PROVIUM_TEST_NO_VM is set" : ToolRun.find("qemu-system-x86_64") == nil ? "QEMU is not installed" : nil
