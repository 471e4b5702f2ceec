import Glibc
import ProviumSystem
import Testing

@Suite("A child process") struct ChildProcessTests {
  @Test("a child process reports its exit code") func exitCode() throws {
    let child = try ChildProcess(executable: "/bin/sh", arguments: ["-c", "exit 7"])
    #expect(try child.wait(until: .after(.seconds(5))) == .exited(7))
  }

  @Test("a child that a signal killed reports the signal by name") func signal() throws {
    let child = try ChildProcess(executable: "/bin/sh", arguments: ["-c", "kill -SEGV $$"])
    let status = try #require(try child.wait(until: .after(.seconds(5))))
    #expect(status == .signaled(.segmentationFault))
    #expect(status.description == "killed by SIGSEGV")
  }

  @Test("a program that cannot be run is named with the errno") func missingProgram() throws {
    let error = #expect(throws: SystemError.self) {
      try ChildProcess(executable: "/no/such/program", arguments: [])
    }
    #expect(error?.description == "cannot run /no/such/program: ENOENT (No such file or directory)")
  }

  @Test("a child that cannot enter its directory names the directory") func missingDirectory() throws {
    let error = #expect(throws: SystemError.self) {
      try ChildProcess(executable: "/bin/sh", arguments: [], directory: "/no/such/directory")
    }
    #expect(error?.description.hasPrefix("cannot enter the directory /no/such/directory: ENOENT") == true)
  }

  @Test("a child gets the descriptors it was given under their new numbers, and no others") func descriptors()
    throws
  {
    let pipe = try Descriptor.pipe()
    let other = try Descriptor.pipe()
    _ = fcntl(other.read.raw, F_SETFD, 0)  // even one that is not close-on-exec
    let child = try ChildProcess(
      executable: "/bin/sh",
      arguments: ["-c", "ls /proc/self/fd | tr '\\n' ' ' >&9"],
      descriptors: [9: pipe.write.raw]
    )
    #expect(try child.wait(until: .after(.seconds(5))) == .exited(0))
    var buffer = [UInt8](repeating: 0, count: 256)
    let count = read(pipe.read.raw, &buffer, buffer.count)
    // 3 is what ls opened to list.
    #expect(String(decoding: buffer.prefix(max(0, count)), as: UTF8.self) == "0 1 2 3 9 ")
    _ = other
  }

  @Test("terminating a child kills its whole process group") func terminateGroup() throws {
    let child = try ChildProcess(executable: "/bin/sh", arguments: ["-c", "sleep 100 & sleep 100"])
    #expect(child.poll() == nil)
    #expect(child.terminate() == .signaled(.kill))
    // Init reaps the grandchild, which takes a moment.
    let deadline = Deadline.after(.seconds(10))
    while kill(-child.pid, 0) == 0, !deadline.isExpired { usleep(1000) }
    #expect(kill(-child.pid, 0) == -1)
  }

  @Test("a child whose owner is released is killed and reaped") func abandoned() throws {
    var child: ChildProcess? = try ChildProcess(executable: "/bin/sleep", arguments: ["100"])
    let pid = try #require(child?.pid)
    child = nil
    #expect(kill(pid, 0) == -1)
  }

  @Test("a child outlives the thread that started it") func outlivesThread() throws {
    let started = Handover<ChildProcess?>()
    let thread = try DedicatedThread(name: "short") {
      started.fulfil(try? ChildProcess(executable: "/bin/sleep", arguments: ["100"]))
    }
    thread.join()
    let child = try #require(started.wait())
    #expect(try child.wait(until: .after(.milliseconds(100))) == nil)
    child.terminate()
  }
}
