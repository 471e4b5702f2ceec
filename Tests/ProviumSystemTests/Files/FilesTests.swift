import Glibc
import ProviumSystem
import Testing

@Suite("Files") struct FilesTests {
  @Test("a file of /proc, whose size reads 0, is read whole") func procFile() throws {
    #expect(try Files.readText("/proc/self/status").contains("Threads:"))
  }

  @Test("reading a directory fails with EISDIR") func directory() throws {
    let error = #expect(throws: SystemError.self) { try Files.read("/tmp") }
    #expect(error?.errno.name == "EISDIR")
  }

  @Test("a file with a time in the far future has facts") func farFuture() throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/file"
    try Files.write([1], to: path)
    let late = timespec(tv_sec: 12_000_000_000, tv_nsec: 1)
    #expect(utimensat(AT_FDCWD, path, [late, late], 0) == 0)
    #expect(try FileFacts(path).size == 1)
  }

  @Test("replacing a file leaves no temporary file") func replace() throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/file"
    try Files.replace(path, with: Array("one".utf8))
    try Files.replace(path, with: Array("two".utf8))
    #expect(try Files.readText(path) == "two")
    #expect(try Files.list(scratch.path) == ["file"])
  }

  @Test("removing a tree does not follow its symbolic links") func removeTree() throws {
    let scratch = try Scratch()
    let keep = "\(scratch.path)/keep", tree = "\(scratch.path)/tree"
    try Files.createDirectories(keep)
    try Files.write([1], to: "\(keep)/file")
    try Files.createDirectories("\(tree)/a/b")
    #expect(symlink(keep, "\(tree)/a/link") == 0)
    try Files.removeTree(tree)
    #expect(!Files.exists(tree))
    #expect(Files.exists("\(keep)/file"))
    try Files.removeTree(tree)  // removing is idempotent
  }

  @Test("a file lock has one owner at a time") func lock() throws {
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
