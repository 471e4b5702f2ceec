// swift-tools-version: 6.2
import PackageDescription

let package = Package(
  name: "first",
  dependencies: [.package(name: "provium", path: "../provium", traits: [])],
  targets: [
    .testTarget(
      name: "VMTests",
      dependencies: [.product(name: "ProviumTesting", package: "provium")],
      exclude: ["lua"]
    )
  ]
)
