import ProviumSystem
import Testing

@testable import ProviumVM

@Suite("Snapshots in the folder of a run") struct RunSnapshotsTests {
  @Test("go with the run, also when the folder is kept", arguments: [false, true])
  func end(isKept: Bool) throws {
    let run = try RunDirectory()
    defer { try? Files.removeTree(run.path) }
    try Files.createDirectories("\(run.snapshots)/1")
    try Files.write([1], to: "\(run.snapshots)/1/memory")
    try Files.write([1], to: "\(run.path)/log")
    if isKept { run.keep() }
    run.close()
    #expect(!Files.exists(run.snapshots))
    #expect(Files.exists("\(run.path)/log") == isKept)
  }
}
