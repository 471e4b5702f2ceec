/// The two ends of a connection: ours stays in this process, theirs goes to a child.
package struct SocketPair: ~Copyable {
  package var ours: Descriptor
  package var theirs: Descriptor

  /// Closes their end and returns ours.
  package consuming func takeOurs() -> Descriptor {
    let number = ours.release()
    return Descriptor(owning: number)
  }
}
