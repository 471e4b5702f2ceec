import ProviumSystem
import Testing

@testable import ProviumRunner

@Suite("Discovery of test files") struct TestDiscoveryTests {
  @Test("files of several roots are named by their paths in the project") func roots() throws {
    let folder = "/tmp/provium-discovery-\(UInt32.random(in: 0 ... .max))"
    defer { try? Files.removeTree(folder) }
    for name in ["unit", "system"] {
      try Files.createDirectories("\(folder)/\(name)/net")
      try Files.write([], to: "\(folder)/\(name)/net/x.lua")
    }
    func names(_ paths: String...) throws -> [String] {
      try TestDiscovery.find(paths, from: folder, project: folder).files.map(\.name)
    }
    #expect(try names("unit") == ["net/x.lua"])
    try Files.createDirectories("\(folder)/unit/shared/deep")
    try Files.write([], to: "\(folder)/unit/shared/deep/base.lua")
    let found = try TestDiscovery.find(
      ["unit"],
      from: folder,
      project: folder,
      fixtureFolders: ["\(folder)/unit/shared"]
    )
    #expect(found.files.map(\.name) == ["net/x.lua"])
    try Files.removeTree("\(folder)/unit/shared")
    #expect(try names("unit", "system") == ["unit/net/x.lua", "system/net/x.lua"])
  }
}
