import ProviumRuntime
package import ProviumScripts

/// A test file and its native cases.
package struct NativeFile: Sendable {
  package let file: TestFile
  package let cases: [NativeCase]
  /// The name in test runners, without `.lua`; unique in a catalogue. It holds no dots.
  package internal(set) var stem: String
  /// Why the file does not parse. Its one case fails with this.
  package let complaint: (message: String, line: Int)?
  /// Runs the file; nil: it is a script.
  let suites: ProjectTests?
  /// The last part of the name in test runners: `lua`, or the kind of the suite.
  package let kind: String

  init(
    file: TestFile,
    cases: [NativeCase],
    complaint: (message: String, line: Int)?,
    suites: ProjectTests? = nil,
    kind: String = "lua"
  ) {
    self.file = file
    self.cases = cases
    self.complaint = complaint
    self.suites = suites
    self.kind = kind
    stem = Self.stem(of: file.name)
  }

  /// Replaces dots: Swift Testing splits the name of a suite at them.
  static func stem(of name: String) -> String {
    XMLText.name(name.hasSuffix(".lua") ? String(name.dropLast(4)) : name).replacing(".", with: "_")
  }

  /// The first part of the name in test runners.
  package var family: String { suites == nil ? "LuaTests" : "SuiteTests" }

  package var name: String { XMLText.name(file.name) }

  /// The sub-tests that can be selected.
  package var enabledPaths: [[String]] {
    cases.compactMap { test in
      if test.disabled == nil, case .subTest(let path) = test.subject { path } else { nil }
    }
  }
}
