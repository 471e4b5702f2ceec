import Foundation
import PackagePlugin

/// Runs the command `provium` with the arguments of `swift package provium …`, in the package's folder.
@main
struct ProviumCommand: CommandPlugin {
  func performCommand(context: PluginContext, arguments: [String]) throws {
    let process = Process()
    process.executableURL = try context.tool(named: "provium").url
    process.arguments = arguments
    process.currentDirectoryURL = context.package.directoryURL
    try process.run()
    process.waitUntilExit()
    // A plugin cannot choose the exit code: SwiftPM ends with 1.
    if process.terminationStatus != 0 { Diagnostics.error("provium ended with \(process.terminationStatus)") }
  }
}
