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
