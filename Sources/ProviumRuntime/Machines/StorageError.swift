/// The files of a fixture's VM could not be written.
struct StorageError: CodedError, CustomStringConvertible {
  let path: String
  let reason: String
  var code: ProviumError.Code { .storage }
  var description: String { "fixtures cannot be kept in \(path): \(reason)" }
}
