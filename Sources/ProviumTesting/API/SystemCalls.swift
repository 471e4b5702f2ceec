import ProviumSystem

/// The system calls of a guest, on the one thread of a VM's agent or of a worker: see ``Guest/syscall``.
///
/// There are two forms. A call by member throws the kernel's error:
///
/// ```swift
/// let file = try await vm.syscall.openat(-100, "/etc/passwd", 0)
/// #expect(file.value >= 0)
/// await #expect(throws: Errno.ENOENT) { try await vm.syscall.openat(-100, "/missing", 0) }
/// ```
///
/// A call by name or number returns the kernel's raw value, also if that is an error:
///
/// ```swift
/// let result = try await vm.syscall("openat", -100, "/missing", 0)
/// #expect(result.value == -2)
/// #expect(result.errno == .ENOENT)
/// ```
///
/// A name is looked up in the table of the guest's architecture when the call is made. Each call takes up to
/// six arguments.
@dynamicMemberLookup
public struct SystemCalls: Sendable {
  let target: OperationTarget

  /// Makes a system call by name, and returns its raw result.
  /// - Parameters:
  ///   - name: the kernel's name: `openat`.
  ///   - arguments: at most six.
  /// - Returns: the value, `-errno` after a failure, and the memory of the buffers.
  /// - Throws: ``ProviumError`` if the call could not be made. Its code is `invalidUse` for an unknown name
  ///   and for arguments that no call can have.
  @discardableResult
  public func callAsFunction(_ name: String, _ arguments: SystemCallArgument...) async throws(ProviumError)
    -> SystemCallResult
  {
    try await target.call(name, arguments)
  }

  /// Makes a system call by number, and returns its raw result.
  /// - Parameters:
  ///   - number: the number on the guest's architecture.
  ///   - arguments: at most six.
  /// - Returns: the value, `-errno` after a failure, and the memory of the buffers.
  /// - Throws: ``ProviumError`` if the call could not be made.
  @discardableResult
  public func callAsFunction(_ number: Int, _ arguments: SystemCallArgument...) async throws(ProviumError)
    -> SystemCallResult
  {
    guard let known = UInt32(exactly: number) else {
      throw ProviumError(.invalidUse, "there is no system call \(number): numbers are 0 to \(UInt32.max)")
    }
    return try await target.call(known, "\(number)", arguments)
  }

  /// The system call of that name, which throws the kernel's error.
  /// - Parameter name: the kernel's name of the call.
  public subscript(dynamicMember name: String) -> Function { Function(name: name, target: target) }

  /// A system call that throws the kernel's error: `vm.syscall.openat`.
  public struct Function: Sendable {
    let name: String
    let target: OperationTarget

    /// Makes the call.
    /// - Parameter arguments: at most six.
    /// - Returns: the value, which is no error, and the memory of the buffers.
    /// - Throws: ``Errno`` if the kernel returned an error; ``ProviumError`` if the call could not be made,
    ///   with the code `invalidUse` for an unknown name and for arguments that no call can have.
    @discardableResult
    public func callAsFunction(_ arguments: SystemCallArgument...) async throws -> SystemCallResult {
      let result = try await target.call(name, arguments)
      if let errno = result.errno {
        throw Errno(errno.number, of: "\(name)(\(arguments.map(\.text).joined(separator: ", ")))")
      }
      return result
    }
  }
}
