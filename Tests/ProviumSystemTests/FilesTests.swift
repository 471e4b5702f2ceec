import Glibc
import ProviumSystem
import Testing

/// A directory of the test's own, removed with it.
final class Scratch: Sendable {
  let path: String
  init() throws {
    path = "/tmp/provium-test-\(getpid())-\(UInt32.random(in: 0 ... .max))"
    try Files.createDirectories(path)
  }
  deinit { try? Files.removeTree(path) }
}

@Suite("Files") struct FilesTests {
  @Test("are read whole, also from /proc where their size reads 0") func procFile() throws {
    #expect(try Files.readText("/proc/self/status").contains("Threads:"))
  }

  @Test("that are directories cannot be read") func directory() throws {
    let error = #expect(throws: SystemError.self) { try Files.read("/tmp") }
    #expect(error?.errno.name == "EISDIR")
  }

  @Test("have facts whatever time they claim to be of") func farFuture() throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/file"
    try Files.write([1], to: path)
    let late = timespec(tv_sec: 12_000_000_000, tv_nsec: 1)
    #expect(utimensat(AT_FDCWD, path, [late, late], 0) == 0)
    #expect(try FileFacts(path).size == 1)
  }

  @Test("are replaced whole, leaving nothing beside them") func replace() throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/file"
    try Files.replace(path, with: Array("one".utf8))
    try Files.replace(path, with: Array("two".utf8))
    #expect(try Files.readText(path) == "two")
    #expect(try Files.list(scratch.path) == ["file"])
  }

  @Test("below a link are not removed with the tree that holds the link") func removeTree() throws {
    let scratch = try Scratch()
    let keep = "\(scratch.path)/keep", tree = "\(scratch.path)/tree"
    try Files.createDirectories(keep)
    try Files.write([1], to: "\(keep)/file")
    try Files.createDirectories("\(tree)/a/b")
    #expect(symlink(keep, "\(tree)/a/link") == 0)
    try Files.removeTree(tree)
    #expect(!Files.exists(tree))
    #expect(Files.exists("\(keep)/file"))
    try Files.removeTree(tree)  // what is not there is fine
  }

  @Test("are locked by one owner at a time") func lock() throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/lock"
    do {
      guard let held = try FileLock.tryAcquire(path) else {
        Issue.record("a free lock was refused")
        return
      }
      held.describeHolder("the first")
      var said = ""
      if try FileLock.acquire(path, until: .after(.milliseconds(20)), waiting: { said = $0 }) != nil {
        Issue.record("a held lock was given away")
      }
      #expect(said == "the first")
    }
    if try FileLock.tryAcquire(path) == nil { Issue.record("the lock outlived its owner") }
  }
}

@Suite("A deadline") struct DeadlineTests {
  @Test("is rounded up for poll, so that a wait never ends before it") func rounding() {
    let milliseconds = Deadline.after(.microseconds(1500)).pollMilliseconds
    #expect((1...2).contains(milliseconds))
    #expect(Deadline.never.pollMilliseconds == -1)
    #expect(Deadline.after(.zero).isExpired)
    #expect(Deadline.after(.seconds(-5)).remaining == .zero)
    #expect(!Deadline.after(.seconds(1 << 40)).isExpired)
  }
}

@Suite("A tool of the host") struct ToolRunTests {
  @Test("is fed and drained at once, however much it prints") func bigOutput() throws {
    let input = [UInt8](repeating: 65, count: 1 << 20)
    let run = try ToolRun.run("cat", [], input: input)
    #expect(run.output == input)
  }

  @Test("that is missing is named") func missing() {
    let error = #expect(throws: ToolRun.Failure.self) { try ToolRun.run("no-such-tool", []) }
    #expect(error?.description == "no-such-tool is not installed (looked for it in PATH)")
  }

  @Test("that fails is quoted") func failing() {
    let error = #expect(throws: ToolRun.Failure.self) {
      try ToolRun.run("sh", ["-c", "echo why >&2; exit 3"])
    }
    #expect(error?.description == "sh failed (exit code 3): why")
  }

  @Test("that does not end is ended") func hanging() {
    let error = #expect(throws: ToolRun.Failure.self) {
      try ToolRun.run("sleep", ["100"], deadline: .after(.milliseconds(50)))
    }
    #expect(error?.description.contains("did not finish in time") == true)
  }
}

@Suite("A sparse copy") struct SparseCopyTests {
  @Test(
    "holds the same bytes, and only the pages that are not zero take room",
    arguments: [0, 1, 4095, 4096, 4097]
  )
  func pages(tail: Int) throws {
    let scratch = try Scratch()
    let page = 4096
    var bytes = [UInt8](repeating: 0, count: 80 * page + tail)
    for at in [0, 3 * page + 17, 33 * page, 34 * page, 79 * page + page - 1] { bytes[at] = 7 }
    if tail > 0 { bytes[bytes.count - 1] = 9 }
    let (source, copy) = ("\(scratch.path)/source", "\(scratch.path)/copy")
    try Files.write(bytes, to: source)
    try Files.copySparse(source, to: copy)
    #expect(try Files.read(copy) == bytes)
    #expect(Files.blocks(copy) <= UInt64(8 * page), "\(Files.blocks(copy)) bytes on the disk")
  }
}
