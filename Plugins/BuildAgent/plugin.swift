import Foundation
import PackagePlugin

/// Compiles the guest agent in `Agent/` and generates a Swift source that contains its programs.
///
/// All paths are relative to this package, so the plugin also works where this package is a dependency.
@main struct BuildAgent: BuildToolPlugin {
  func createBuildCommands(context: PluginContext, target: any Target) async throws -> [Command] {
    let package = context.package.directoryURL
    let agent = package.appending(path: "Agent")
    let work = context.pluginWorkDirectoryURL
    let output = work.appending(path: "EmbeddedAgent.swift")
    let compilers = Self.compilers()
    let inputs =
      try Self.sources(of: agent) + [
        package.appending(path: "Sources/CProviumWire/include/provium_wire.h")
      ]
    return [
      .buildCommand(
        displayName: "Building the guest agent",
        executable: URL(filePath: "/bin/sh"),
        arguments: [
          agent.appending(path: "embed.sh").path, work.appending(path: "programs").path, output.path,
        ] + compilers,
        // Compilers are inputs too: the agent is rebuilt when one is installed, removed or updated.
        inputFiles: inputs + compilers.map { URL(filePath: $0) },
        outputFiles: [output]
      )
    ]
  }

  /// The C sources of the agent and the scripts that build it, without its tests.
  private static func sources(of agent: URL) throws -> [URL] {
    let scripts = ["build.sh", "embed.sh", "sources.sh"].map { agent.appending(path: $0) }
    let tests: Set = ["tests", "fuzz"]
    let paths = try FileManager.default.subpathsOfDirectory(atPath: agent.path).filter {
      !tests.contains(String($0.prefix { $0 != "/" })) && ($0.hasSuffix(".c") || $0.hasSuffix(".h"))
    }
    return scripts + paths.sorted().map { agent.appending(path: $0) }
  }

  /// The paths of the native compiler and of all cross compilers; `embed.sh` chooses among them.
  private static func compilers() -> [String] {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init)
    let native = ["musl-gcc", "cc"].lazy.compactMap { name in
      folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    }.first
    let cross = folders.flatMap { folder in
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      return names.filter { $0.hasSuffix("-linux-gnu-gcc") }.sorted().map { "\(folder)/\($0)" }
    }
    return (native.map { [$0] } ?? []) + cross
  }
}
