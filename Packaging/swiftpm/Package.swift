// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "provium-command",
  products: [.plugin(name: "ProviumCommand", targets: ["ProviumCommand"])],
  targets: [
    .binaryTarget(name: "provium", path: "provium.artifactbundle"),
    .plugin(
      name: "ProviumCommand",
      capability: .command(
        intent: .custom(verb: "provium", description: "Run provium in the package's folder.")
      ),
      dependencies: ["provium"]
    ),
  ]
)
