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

  init(_ arguments: String..., in folder: String, environment: [String: String] = [:], seconds: Int64 = 180)
    throws
  {
    try self.init(arguments: arguments, in: folder, environment: environment, seconds: seconds)
  }

  init(arguments: [String], in folder: String, environment: [String: String] = [:], seconds: Int64 = 180)
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
  /// A cache without fixtures of other tests. The kernel is the shared one.
  convenience init(withCache files: [String: String], settings: String = "") throws {
    let configuration = "[provium]\ntests = [\"tests\"]\ncache = \"cache\"\n\(settings)\n"
    try self.init(["provium.toml": configuration].merging(files) { $1 })
    try Files.createDirectories("\(path)/cache")
    for name in ["kernels", "vmlinux", "userland"] {
      symlink("\(String(cString: getenv("HOME")))/.cache/provium/\(name)", "\(path)/cache/\(name)")
    }
  }
  deinit { try? Files.removeTree(path) }

  func write(_ text: String, to name: String) throws {
    try Files.write(Array(text.utf8), to: "\(path)/\(name)", mode: 0o644)
  }

  /// Runs a line of shell in the project; a failure is an error.
  @discardableResult
  func shell(_ line: String, seconds: Int64 = 180) throws -> String {
    try ToolRun.run("bash", ["-ec", line], directory: path, deadline: .after(.seconds(seconds))).outputText
  }
}

/// Why tests with machines do not run here; nil: they do.
let noMachines: String? =
  Environment["PROVIUM_TEST_NO_VM"] != nil
  ? "PROVIUM_TEST_NO_VM is set" : ToolRun.find("qemu-system-x86_64") == nil ? "QEMU is not installed" : nil

/// Why a small file system cannot be mounted here; nil: it can.
let noMounts: String? = {
  let line = "d=$(mktemp -d); trap 'rmdir $d' EXIT; mount -t tmpfs none $d && umount $d"
  let run = try? ToolRun.run("bash", ["-c", line], allowFailure: true, deadline: .after(.seconds(10)))
  return run?.status == .exited(0)
    ? nil : "no file system can be mounted here: \(run?.errorText.trimmed ?? "")"
}()
