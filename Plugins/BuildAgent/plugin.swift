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
    return [
      .buildCommand(
        displayName: "Building the guest agent",
        executable: URL(filePath: "/bin/sh"),
        arguments: [
          agent.appending(path: "embed.sh").path, work.appending(path: "programs").path, output.path,
        ],
        inputFiles: inputs,
        outputFiles: [output]
      )
    ]
  }
}
