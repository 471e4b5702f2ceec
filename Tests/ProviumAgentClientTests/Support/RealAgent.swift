import ProviumArchitecture
import Glibc
import ProviumAgentImage
import ProviumSystem
import Testing

@testable import ProviumAgentClient

/// Which way the messages travel.
enum LinkKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
  case stream, serial
  var testDescription: String { rawValue }
}

/// The C agent, run on this host at the other end of sockets.
final class RealAgent {
  let agent: GuestAgent
  let process: ChildProcess
  private let directory: String

  /// - Parameters:
  ///   - claiming: the secret that the host has, when it is another one than the agent's.
  ///   - kernelLog: a socket in place of `/dev/kmsg`, over a serial link only; each packet is a record.
  init(
    _ kind: LinkKind,
    vitals: (any VitalSigns)? = nil,
    claiming: GuestSecret? = nil,
    kernelLog: Int32? = nil
  ) throws {
    let secret = GuestSecret.random()
    directory = "/tmp/pg.\(getpid()).\(UInt32.random(in: 0 ... .max))"
    try Files.createDirectories(directory, mode: 0o700)
    let program = "\(directory)/provium-agent"
    try Files.write(AgentImage.agent, to: program, mode: 0o700)
    let endpoint: GuestEndpoint
    switch kind {
    case .stream:
      process = try ChildProcess(
        executable: program,
        arguments: ["--listen", "\(directory)/s", "--secret", secret.hex],
        directory: directory
      )
      endpoint = .sockets(prefix: "\(directory)/s", secret: claiming ?? secret)
    case .serial:
      let main = try Descriptor.socketPair()
      let control = try Descriptor.socketPair()
      process = try ChildProcess(
        executable: program,
        arguments: ["--main-fd", "3", "--control-fd", "4", "--link", "serial"]
          + (kernelLog == nil ? [] : ["--kmsg-fd", "5"]),
        directory: directory,
        descriptors: [3: main.theirs.raw, 4: control.theirs.raw].merging(kernelLog.map { [5: $0] } ?? [:]) {
          $1
        }
      )
      endpoint = .serial(main: main.takeOurs().release(), control: control.takeOurs().release())
    }
    agent = try GuestAgent.connect(
      to: endpoint,
      machine: "the test",
      expecting: AgentImage.buildID,
      vitals: vitals,
      until: .after(.seconds(20))
    )
  }

  deinit {
    agent.close()
    process.terminate()
    try? Files.removeTree(directory)
  }

  var session: GuestSession { agent.session }

  /// A path in a directory of this agent's own.
  func path(_ name: String) -> ByteString { ByteString("\(directory)/\(name)") }
}

extension Deadline {
  /// Long enough for a loaded machine; a test that needs it all fails anyway.
  static var soon: Deadline { .after(.seconds(30)) }
}

extension [UInt8] {
  var text: String { String(decoding: self, as: UTF8.self) }

  static func text(_ text: String) -> [UInt8] { [UInt8](text.utf8) }

  private static let patternBlock = (0..<65_537).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }

  /// Bytes that repeat only after a long while, made without a loop over each.
  static func pattern(_ count: Int) -> [UInt8] {
    let block = patternBlock
    return [UInt8](unsafeUninitializedCapacity: count) { space, used in
      var at = 0
      while at < count, let base = space.baseAddress {
        let size = Swift.min(block.count, count - at)
        memcpy(base + at, block, size)
        at += size
      }
      used = count
    }
  }
}

extension GuestSession {
  /// By name, as a script does.
  func call(_ name: String, _ arguments: Int64..., buffers: [CallBuffer] = [], pointers: [MemoryPointer] = [])
    throws
    -> SystemCallResult
  {
    let number = try #require(SyscallName.number(name, architecture))
    let call = SystemCall(number: number, arguments: arguments, buffers: buffers, pointers: pointers)
    return try syscall(call, name: name, until: .soon)
  }
}
