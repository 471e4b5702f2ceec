import Glibc
import ProviumNetwork
import ProviumSystem
import Synchronization

/// The switch alone, against a C program that forwards between two sockets.
struct SwitchRows {
  /// `Benchmarks/flood.c`, built.
  let flood: String
  let rounds: Int

  private static let time = Duration.milliseconds(1000)

  func rows() throws -> [Row] { try [row(size: 60), row(size: 1514)] }

  private func row(size: Int) throws -> Row {
    var ours = Sample(), theirs = Sample()
    for _ in 0..<rounds {
      theirs.add(try forwarder(size))
      ours.add(try ownSwitch(size))
    }
    return Row(
      name: "processor time of the switch for a frame of \(size) bytes",
      figure: text(seconds: ours.median),
      baseline: "\(text(seconds: theirs.median)) a C program with recvmmsg, sendmmsg and a static table",
      value: ours.median / theirs.median,
      unit: "×",
      promise: .atMost(1.2)
    )
  }

  private func ownSwitch(_ size: Int) throws -> Double {
    let network = try NetworkSwitch(name: "alone")
    defer { network.close() }
    let first = try Descriptor.packetPair()
    let second = try Descriptor.packetPair()
    // The pairs close their own ends before the last use of a number.
    let sender = Descriptor(owning: dup(first.theirs.raw))
    let receiver = Descriptor(owning: dup(second.theirs.raw))
    for (index, copy) in [dup(first.ours.raw), dup(second.ours.raw)].enumerated() {
      let address = MACAddress("02:00:00:00:00:0\(index + 1)") ?? .zero
      network.connect(network.addPort(name: "\(index)", address: address), Descriptor(owning: copy))
    }
    return measure(size, from: sender, to: receiver) { CPUTime.thread(named: "net-alone") }
  }

  private func forwarder(_ size: Int) throws -> Double {
    let first = try Descriptor.packetPair()
    let second = try Descriptor.packetPair()
    let sender = Descriptor(owning: dup(first.theirs.raw))
    let receiver = Descriptor(owning: dup(second.theirs.raw))
    let child = try ChildProcess(
      executable: flood,
      arguments: ["forward", "10", "11"],
      descriptors: [10: first.ours.raw, 11: second.ours.raw]
    )
    defer { child.terminate() }
    return measure(size, from: sender, to: receiver) { CPUTime.process(child.pid) }
  }

  /// Sends frames for a while, and returns the processor time for each that arrives.
  private func measure(
    _ size: Int,
    from source: borrowing Descriptor,
    to target: borrowing Descriptor,
    cpu: () -> Double
  ) -> Double {
    let (sender, receiver) = (source.raw, target.raw)
    let end = Deadline.after(Self.time)
    let frame: [UInt8] =
      [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0] + [UInt8](repeating: 0, count: size - 14)
    let begin = cpu()
    let generator = try? DedicatedThread(name: "source", stackSize: 1 << 20) {
      while !end.isExpired {
        if send(sender, frame, frame.count, Int32(truncatingIfNeeded: MSG_NOSIGNAL)) < 0 {
          var entry = pollfd(fd: sender, events: Int16(POLLOUT), revents: 0)
          _ = poll(&entry, 1, 10)
        }
      }
    }
    var arrived = 0
    var buffer = [UInt8](repeating: 0, count: 2048)
    while true {
      let count = recv(receiver, &buffer, buffer.count, Int32(truncatingIfNeeded: MSG_DONTWAIT))
      if count > 0 {
        arrived += 1
        continue
      }
      if end.isExpired { break }
      var entry = pollfd(fd: receiver, events: Int16(POLLIN), revents: 0)
      _ = poll(&entry, 1, 10)
    }
    generator?.join()
    return (cpu() - begin) / Double(max(1, arrived))
  }
}

/// Processor time in seconds, from `/proc/PID/task/TID/schedstat` (nanoseconds on a processor).
enum CPUTime {
  static func process(_ pid: Int32) -> Double {
    let tasks = (try? Files.list("/proc/\(pid)/task")) ?? []
    return tasks.reduce(0) { $0 + time("/proc/\(pid)/task/\($1)") }
  }

  /// Of a thread of this process.
  static func thread(named name: String) -> Double {
    for task in (try? Files.list("/proc/self/task")) ?? [] {
      let comm = (try? Files.readText("/proc/self/task/\(task)/comm")) ?? ""
      if comm.trimmed == name { return time("/proc/self/task/\(task)") }
    }
    return 0
  }

  private static func time(_ task: String) -> Double {
    let text = (try? Files.readText("\(task)/schedstat")) ?? ""
    return (text.split(separator: " ").first.flatMap { Double($0) } ?? 0) / 1e9
  }
}
