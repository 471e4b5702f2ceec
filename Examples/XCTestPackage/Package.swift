// swift-tools-version: 6.2
import PackageDescription

// A package that still uses XCTest: its Lua files are cases of one class.
let package = Package(
  name: "xctest-example",
  dependencies: [
    // In a package of your own: .package(url: "…/provium", from: "0.1.0")
    .package(name: "provium", path: "../..", traits: [])
  ],
  targets: [
    .testTarget(
      name: "VMTests",
      dependencies: [.product(name: "ProviumXCTest", package: "provium")],
      exclude: ["lua"]
    )
  ]
)
