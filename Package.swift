// swift-tools-version: 6.2
import PackageDescription

/// Every Swift target of this package: Swift 6 language mode, warnings are errors.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .enableUpcomingFeature("ExistentialAny"),
  .treatAllWarnings(as: .error),
]

/// The cases of Lua files by public functions of Swift Testing only: `PROVIUM_FALLBACK=1 swift build`. Only one target depends on it.
let fallback: [SwiftSetting] =
  Context.environment["PROVIUM_FALLBACK"] == "1" ? [.define("PROVIUM_FALLBACK")] : []

let package = Package(
  name: "provium",
  products: [
    .executable(name: "provium", targets: ["provium"]),
    .library(name: "ProviumTesting", targets: ["ProviumTesting"]),
    .library(name: "ProviumXCTest", targets: ["ProviumXCTest"]),
  ],
  traits: [
    .default(enabledTraits: ["CommandLine"]),
    .trait(
      name: "CommandLine",
      description:
        "The command `provium`; a package that only has tests under swift test fetches less without it."
    ),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.0"),
    .package(url: "https://github.com/LebJe/TOMLKit", from: "0.6.0"),
    .package(url: "https://github.com/apple/swift-log", from: "1.16.0"),
  ],
  targets: [
    // The wire and the host's system calls: C headers and shims that know nothing of the rest.
    .target(name: "CProviumWire"),
    .target(name: "CLinux"),
    .plugin(name: "BuildForkServer", capability: .buildTool()),
    .target(
      name: "ProviumSystem",
      dependencies: ["CLinux"],
      swiftSettings: strict,
      plugins: ["BuildForkServer"]
    ),
    // One reader and writer of JSON: QMP, `vm:json`, event lines.
    .target(name: "ProviumJSON", swiftSettings: strict),
    // Test output in KTAP and TAP, read as it comes. Knows nothing of VMs.
    .target(name: "ProviumKTAP", swiftSettings: strict),
    // The differences between guests of different architectures.
    .target(name: "ProviumArchitecture", dependencies: ["ProviumSystem"], swiftSettings: strict),

    // The guest's side: the agent's bytes, and the protocol spoken with it.
    .plugin(name: "BuildAgent", capability: .buildTool()),
    .target(name: "ProviumAgentImage", swiftSettings: strict, plugins: ["BuildAgent"]),
    .target(
      name: "ProviumAgentClient",
      dependencies: ["CProviumWire", "ProviumArchitecture", "ProviumSystem"],
      swiftSettings: strict
    ),

    // Disks that this process provides: contents, faults, log, and the server that QEMU connects to. Knows no VM.
    .target(name: "ProviumBlock", dependencies: ["ProviumSystem"], swiftSettings: strict),
    // A read-only file server for folders of the host, in the FUSE protocol. Knows neither QEMU nor guests.
    .target(
      name: "ProviumShare",
      dependencies: ["CLinux", "CProviumWire", "ProviumJSON", "ProviumSystem"],
      swiftSettings: strict
    ),
    // A network switch in this process, with impairments, stations and capture. Knows neither QEMU nor guests.
    .target(name: "ProviumNetwork", dependencies: ["CLinux", "ProviumSystem"], swiftSettings: strict),

    // The machine: what boots (kernel, initramfs, modules), and what it boots in (QEMU).
    .target(
      name: "ProviumBoot",
      dependencies: ["ProviumAgentImage", "ProviumArchitecture", "ProviumShare", "ProviumSystem"],
      swiftSettings: strict
    ),
    .target(
      name: "ProviumVM",
      dependencies: [
        "ProviumAgentClient", "ProviumArchitecture", "ProviumBlock", "ProviumBoot", "ProviumJSON",
        "ProviumShare", "ProviumSystem", "CLinux",
        .product(name: "Logging", package: "swift-log"),
      ],
      swiftSettings: strict
    ),

    // Lua: the system library, a C shim that alone raises, a safe Swift layer.
    .systemLibrary(
      name: "CLua",
      pkgConfig: "lua5.4",
      providers: [.apt(["liblua5.4-dev"]), .brew(["lua@5.4"])]
    ),
    .target(name: "CLuaBridge", dependencies: ["CLua"]),
    .target(
      name: "ProviumLua",
      dependencies: ["CLuaBridge", "ProviumSystem"],
      resources: ["library", "strings", "assertions"].map { .embedInCode("Prelude/\($0).lua") },
      swiftSettings: strict
    ),

    // Events of a run, and the reports that consume them. Only the command uses reports.
    .target(name: "ProviumEvents", dependencies: ["ProviumJSON", "ProviumSystem"], swiftSettings: strict),
    .target(
      name: "ProviumReports",
      dependencies: ["ProviumEvents", "ProviumJSON", "ProviumSystem"],
      swiftSettings: strict
    ),

    // The engine, which knows no Lua; the scripts that run on it; and their front ends.
    .target(
      name: "ProviumRuntime",
      dependencies: [
        "ProviumAgentClient", "ProviumAgentImage", "ProviumArchitecture", "ProviumBlock", "ProviumBoot",
        "ProviumEvents", "ProviumKTAP", "ProviumNetwork", "ProviumShare", "ProviumSystem", "ProviumVM",
        .product(name: "Logging", package: "swift-log"),
        .product(name: "TOMLKit", package: "TOMLKit"),
      ],
      resources: [.embedInCode("Config/Schema/schema.json")],
      swiftSettings: strict
    ),
    .target(
      name: "ProviumScripts",
      dependencies: [
        "ProviumAgentClient", "ProviumAgentImage", "ProviumArchitecture", "ProviumBlock", "ProviumBoot",
        "ProviumEvents", "ProviumJSON", "ProviumKTAP", "ProviumLua", "ProviumNetwork", "ProviumRuntime",
        "ProviumSystem", "ProviumVM",
      ],
      resources: [.embedInCode("Editor/provium.lua")],
      swiftSettings: strict
    ),
    .target(name: "CTestContent"),
    // The history of past runs; only the command keeps it.
    .systemLibrary(
      name: "CSQLite",
      pkgConfig: "sqlite3",
      providers: [.apt(["libsqlite3-dev"]), .brew(["sqlite3"])]
    ),
    // Suites: discovery, selection, shards, repetition, watching, history, host checks, native cases. Every front end uses it.
    .target(
      name: "ProviumRunner",
      dependencies: [
        "ProviumAgentClient", "ProviumAgentImage", "ProviumArchitecture", "ProviumBoot", "ProviumEvents",
        "ProviumKTAP", "ProviumLua",
        "ProviumRuntime", "ProviumScripts", "ProviumSystem", "ProviumVM",
        .target(name: "CSQLite", condition: .when(traits: ["CommandLine"])),
      ],
      swiftSettings: strict
    ),
    // For packages that use XCTest. Other packages do not compile it.
    .target(
      name: "ProviumXCTest",
      dependencies: ["ProviumRunner", "ProviumRuntime", "ProviumScripts"],
      swiftSettings: strict
    ),
    .target(
      name: "ProviumTesting",
      dependencies: [
        "CTestContent", "ProviumArchitecture", "ProviumBlock", "ProviumRunner", "ProviumEvents",
        "ProviumAgentClient", "ProviumKTAP", "ProviumLua", "ProviumNetwork", "ProviumVM",
        "ProviumRuntime", "ProviumScripts", "ProviumSystem",
      ],
      swiftSettings: strict + fallback
    ),
    .executableTarget(
      name: "provium",
      dependencies: [
        "ProviumAgentClient", "ProviumEvents", "ProviumJSON", "ProviumReports", "ProviumRunner",
        "ProviumRuntime", "ProviumScripts", "ProviumSystem", "ProviumVM",
        .product(
          name: "ArgumentParser",
          package: "swift-argument-parser",
          condition: .when(traits: ["CommandLine"])
        ),
      ],
      swiftSettings: strict
    ),

    // Figures against baselines, by hand: `Scripts/bench`.
    .executableTarget(
      name: "provium-bench",
      dependencies: [
        "ProviumKTAP", "ProviumNetwork", "ProviumVM", "ProviumRuntime", "ProviumScripts", "ProviumSystem",
      ],
      path: "Benchmarks/Sources",
      swiftSettings: strict
    ),

    .testTarget(name: "ProviumJSONTests", dependencies: ["ProviumJSON"], swiftSettings: strict),
    .testTarget(
      name: "ProviumKTAPTests",
      dependencies: ["ProviumKTAP"],
      exclude: ["Recorded", "Golden"],
      swiftSettings: strict
    ),
    .testTarget(name: "ProviumShareTests", dependencies: ["CLinux", "ProviumShare"], swiftSettings: strict),
    .testTarget(name: "ProviumBlockTests", dependencies: ["ProviumBlock"], swiftSettings: strict),
    .testTarget(name: "ProviumSystemTests", dependencies: ["ProviumSystem"], swiftSettings: strict),
    .testTarget(
      name: "ProviumArchitectureTests",
      dependencies: ["ProviumArchitecture"],
      swiftSettings: strict
    ),
    .testTarget(
      name: "ProviumAgentClientTests",
      dependencies: ["ProviumAgentClient", "ProviumAgentImage"],
      swiftSettings: strict
    ),
    .testTarget(name: "ProviumBootTests", dependencies: ["ProviumBoot"], swiftSettings: strict),
    .testTarget(name: "ProviumNetworkTests", dependencies: ["ProviumNetwork"], swiftSettings: strict),
    .testTarget(name: "ProviumVMTests", dependencies: ["ProviumVM"], swiftSettings: strict),
    .testTarget(name: "ProviumLuaTests", dependencies: ["ProviumLua"], swiftSettings: strict),
    // Our own Lua tests, as native cases: the one target of this package that depends on the bridge.
    .testTarget(name: "LuaTests", dependencies: ["ProviumTesting"], swiftSettings: strict),
    .testTarget(
      name: "ProviumCommandTests",
      dependencies: ["provium", "ProviumJSON", "ProviumSystem"],
      swiftSettings: strict
    ),
    .testTarget(
      name: "ProviumReportsTests",
      dependencies: ["ProviumReports"],
      exclude: ["Golden/EveryEvent.jsonl", "Golden/SampleRun.jsonl", "Golden/ExampleRun.jsonl"],
      swiftSettings: strict
    ),
    .testTarget(name: "ProviumRunnerTests", dependencies: ["ProviumRunner"], swiftSettings: strict),
    .testTarget(
      name: "ProviumRuntimeTests",
      dependencies: ["ProviumJSON", "ProviumRuntime"],
      swiftSettings: strict
    ),
    .testTarget(
      name: "ProviumScriptsTests",
      dependencies: ["ProviumLua", "ProviumRuntime", "ProviumScripts", "ProviumSystem", "ProviumVM"],
      swiftSettings: strict
    ),
  ],
  cLanguageStandard: .c11
)
