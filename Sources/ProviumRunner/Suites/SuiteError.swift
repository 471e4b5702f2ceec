package import ProviumRuntime
import ProviumSystem

/// Why a suite of tests that come with a kernel cannot be used.
package enum SuiteError: CodedError, Sendable, CustomStringConvertible {
  case noTree(path: String)
  case noList(path: String, hint: String)
  case badLine(path: String, line: Int, text: String)
  case unknownSelection(String, path: String, hint: String)
  case nothingSelected(path: String)
  case foreignTree(program: String, tree: String, guest: String)
  case badFilter(String)
  case unreadable(path: String, reason: String)

  package var description: String {
    switch self {
    case .noTree(let path): "\(path): no such folder: it must be an install tree of the kernel's selftests"
    case .noList(let path, let hint):
      "\(path): no install tree of the kernel's selftests: it has no kselftest-list.txt\(hint)"
    case .badLine(let path, let line, let text):
      "\(path):\(line): a line must be COLLECTION:PROGRAM, got '\(HarmlessText.line(text))'"
    case .unknownSelection(let name, let path, let hint):
      "\(path) has no collection or program '\(name)'\(hint)"
    case .nothingSelected(let path): "no program of \(path) is selected: 'skip' leaves out all of them"
    case .foreignTree(let program, let tree, let guest):
      "the selftests were built for \(tree) (\(program)), and the guest is \(guest)"
    case .badFilter(let filter):
      "'\(HarmlessText.line(filter))' cannot be a pattern of KUnit: it may hold no space, quote or comma"
    case .unreadable(let path, let reason): "\(path): \(reason)"
    }
  }

  package var code: ProviumError.Code { .configuration }
}
