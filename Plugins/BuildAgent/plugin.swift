import Foundation
import PackagePlugin

/// Compiles the guest agent in `Agent/` and generates a Swift source that holds its programs.
///
/// Paths are the package's own, so that it works the same where this package is a dependency.
@main struct BuildAgent: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) async throws -> [Command] {
    let package = context.package.directoryURL
    let agent = package.appending(path: "Agent")
    let work = context.pluginWorkDirectoryURL
    let output = work.appending(path: "EmbeddedAgent.swift")
    var inputs = [
      agent.appending(path: "build.sh"), agent.appending(path: "embed.sh"),
      package.appending(path: "Sources/CProviumWire/include/provium_wire.h"),
    ]
    for folder in ["source", "wrapper"] {
      inputs += try FileManager.default.contentsOfDirectory(
        at: agent.appending(path: folder),
        includingPropertiesForKeys: nil
      ).filter { ["c", "h"].contains($0.pathExtension) }.sorted { $0.path < $1.path }
    }
    // As arguments and inputs, so that the agent is built again when a compiler comes, goes, or changes.
    let compilers = Self.compilers()
    return [
      .buildCommand(
        displayName: "Building the guest agent",
        executable: URL(filePath: "/bin/sh"),
        arguments: [
          agent.appending(path: "embed.sh").path, work.appending(path: "programs").path, output.path,
        ] + compilers,
        inputFiles: inputs + compilers.map { URL(filePath: $0) },
        outputFiles: [output]
      )
    ]
  }

  /// Paths of those compilers that there are: the native one, and cross compilers of other guests' architectures.
  private static func compilers() -> [String] {
    let native = find("musl-gcc") ?? find("cc")
    let crossing = ["x86_64", "aarch64"].compactMap { find("\($0)-linux-gnu-gcc") }
    return (native.map { [$0] } ?? []) + crossing
  }

  private static func find(_ program: String) -> String? {
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(program)" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
  }
}
