import Glibc
package import ProviumSystem

/// The descriptors that one QEMU inherits, by name. Belongs to one thread.
package final class LaunchDescriptors {
  private final class Entry {
    let name: String
    /// QEMU's number, and this process's.
    let number: Int32
    let raw: Int32
    /// One of the two owns `raw`.
    var pair: SocketPair?
    var single: Descriptor?

    init(name: String, number: Int32, pair: consuming SocketPair) {
      self.name = name
      self.number = number
      raw = pair.theirs.raw
      self.pair = consume pair
    }

    init(name: String, number: Int32, single: consuming Descriptor) {
      self.name = name
      self.number = number
      raw = single.raw
      self.single = consume single
    }
  }
  private var entries: [Entry] = []
  /// The guest's vsock context ID, where one was reserved.
  package var contextID: UInt32 = 0

  /// The first number that QEMU has for them; the standard ones are below.
  private static let firstNumber: Int32 = 10

  init() {}

  private var nextNumber: Int32 { Self.firstNumber + Int32(entries.count) }

  /// Makes a connection: QEMU inherits one end, `takeOurs` returns the other.
  /// - Parameter buffer: see `Descriptor.socketPair`.
  package func addSocketPair(_ name: String, buffer: Int32? = nil) throws {
    entries.append(Entry(name: name, number: nextNumber, pair: try Descriptor.socketPair(buffer: buffer)))
  }

  /// Makes a connection that keeps the borders of packets: QEMU inherits one end, `takeOurs` returns the other.
  package func addPacketPair(_ name: String) throws {
    entries.append(Entry(name: name, number: nextNumber, pair: try Descriptor.packetPair()))
  }

  /// Adds a descriptor that this process has no other use for.
  package func add(_ name: String, _ descriptor: consuming Descriptor) {
    entries.append(Entry(name: name, number: nextNumber, single: descriptor))
  }

  /// The number of descriptors whose names begin with a prefix.
  func count(of prefix: String) -> Int { entries.count { $0.name.hasPrefix(prefix) } }

  /// Takes this process's end of a connection and closes QEMU's end here: call it after QEMU has started. The caller owns it.
  package func takeOurs(_ name: String) throws -> Descriptor {
    let entry = entries.first { $0.name == name }
    guard let pair = entry?.pair.take() else {
      throw SystemError("take this process's end of the connection", name, Errno(EBADF))
    }
    return pair.takeOurs()
  }

  /// Duplicates QEMU's end of a connection. The caller owns the duplicate.
  package func duplicateTheirs(_ name: String) throws -> Descriptor {
    guard let entry = entries.first(where: { $0.name == name }) else {
      throw SystemError("duplicate QEMU's end of the connection", name, Errno(EBADF))
    }
    let copy = fcntl(entry.raw, F_DUPFD_CLOEXEC, 0)
    guard copy >= 0 else { throw SystemError("duplicate QEMU's end of the connection", name) }
    return Descriptor(owning: copy)
  }

  /// Takes back a descriptor that was added, so that it stays open; nil where there is none of that name.
  package func takeBack(_ name: String) -> Descriptor? {
    entries.first { $0.name == name }?.single.take()
  }

  /// QEMU's numbers by name.
  var numbers: [String: Int32] {
    Dictionary(entries.map { ($0.name, $0.number) }, uniquingKeysWith: { first, _ in first })
  }

  /// The inherited descriptors: the child's number, and this process's.
  var inherited: [Int32: Int32] {
    Dictionary(entries.map { ($0.number, $0.raw) }, uniquingKeysWith: { first, _ in first })
  }
}
