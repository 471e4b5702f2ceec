// swift-tools-version: 6.2
import PackageDescription

// A package that vendors Provium: its Lua files are native test cases, and it has tests in Swift beside them.
let package = Package(
  name: "example",
  dependencies: [
    // In a package of your own: .package(url: "…/provium", from: "0.1.0", traits: [])
    // Without its traits Provium brings only what the tests need: not what the command `provium` is made from.
    .package(name: "provium", path: "../..", traits: [])
  ],
  targets: [
    .testTarget(
      name: "VMTests",
      dependencies: [.product(name: "ProviumTesting", package: "provium")],
      exclude: ["lua"]
    )
  ]
)
