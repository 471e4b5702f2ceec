public import ProviumSystem

extension Errno {
  /// Returns whether an error is this error number: for `catch Errno.EPERM`.
  ///
  /// ```swift
  /// do {
  ///   try await vm.syscall.mount("none", "/tmp", "no-such-type", 0, 0)
  ///   Issue.record("the mount succeeded")
  /// } catch Errno.ENODEV {
  ///   // The kernel does not know the file system.
  /// }
  /// ```
  ///
  /// - Parameters:
  ///   - number: the error number of the pattern.
  ///   - error: the error that was thrown.
  public static func ~= (number: Errno, error: any Error) -> Bool { (error as? Errno) == number }
}
