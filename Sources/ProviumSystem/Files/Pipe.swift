internal import CLinux

/// The two ends of a pipe.
package struct Pipe: ~Copyable {
  package var read: Descriptor
  package var write: Descriptor

  /// Closes the reading end and returns the other.
  package consuming func closingRead() -> Descriptor {
    let number = write.release()
    return Descriptor(owning: number)
  }

  /// Closes the writing end and returns the other.
  package consuming func closingWrite() -> Descriptor {
    let number = read.release()
    return Descriptor(owning: number)
  }
}

extension Descriptor {
  /// Makes a pipe, close-on-exec.
  package static func pipe() throws -> Pipe {
    var ends: [Int32] = [-1, -1]
    let failed = clinux_pipe(&ends)
    guard failed == 0 else { throw SystemError("make a pipe", "", Errno(-failed)) }
    return Pipe(read: Descriptor(owning: ends[0]), write: Descriptor(owning: ends[1]))
  }
}
