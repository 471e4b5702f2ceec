/// The settings with which a command runs in the guest.
public struct CommandOptions: Sendable, Hashable {
  /// The command's time limit. The agent then kills its process group, and ``CommandResult/timedOut`` is
  /// true. nil: the command has no limit of its own.
  public var timeout: Duration?

  /// Environment variables in addition to those of the agent. A name must not be empty or contain `=`.
  public var environment: [String: String] {
    get {
      Dictionary(
        variables.map { ($0.key.description, $0.value.description) },
        uniquingKeysWith: { first, _ in first }
      )
    }
    set {
      variables = Dictionary(
        uniqueKeysWithValues: newValue.map { (ByteString($0.key), ByteString($0.value)) }
      )
    }
  }

  /// The working directory; nil: the agent's, which is `/`.
  public var directory: String? {
    get { workingDirectory?.description }
    set { workingDirectory = newValue.map { ByteString($0) } }
  }

  /// The standard input; nil: `/dev/null`.
  public var standardInput: [UInt8]?

  /// The environment, for names and values that are not UTF-8.
  package var variables: [ByteString: ByteString]
  /// Leaves out the variables of the agent.
  package var clearsEnvironment = false
  /// The working directory, for a path that is not UTF-8.
  package var workingDirectory: ByteString?
  /// Bytes of both output streams together. A command that writes more is ended, and the operation fails.
  package var outputLimit = 256 << 20

  /// Creates settings; each one that is left out has the default described above.
  /// - Parameters:
  ///   - timeout: the command's time limit.
  ///   - environment: variables in addition to those of the agent.
  ///   - directory: the working directory, a path in the guest.
  ///   - standardInput: the bytes of the standard input.
  public init(
    timeout: Duration? = nil,
    environment: [String: String] = [:],
    directory: String? = nil,
    standardInput: [UInt8]? = nil
  ) {
    self.timeout = timeout
    self.standardInput = standardInput
    variables = [:]
    self.environment = environment
    self.directory = directory
  }
}
