import Foundation
import PackagePlugin

/// Compiles the library in `ForkServer/` and generates a Swift source that contains it.
@main struct BuildForkServer: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) async throws -> [Command] {
    let package = context.package.directoryURL
    let folder = package.appending(path: "ForkServer")
    let work = context.pluginWorkDirectoryURL
    let output = work.appending(path: "EmbeddedForkServer.swift")
    let script = folder.appending(path: "embed.sh")
    return [
      .buildCommand(
        displayName: "Building the fork server",
        executable: URL(filePath: "/bin/sh"),
        arguments: [script.path, work.appending(path: "library").path, output.path],
        inputFiles: [script]
          + ["fork_handlers.c", "fork_handlers.h", "fork_server.c"].map { folder.appending(path: $0) }
          + ["include/clinux.h", "include/fork_request.h", "place_descriptors.c", "place_descriptors.h"].map {
            package.appending(path: "Sources/CLinux").appending(path: $0)
          },
        outputFiles: [output]
      )
    ]
  }
}
