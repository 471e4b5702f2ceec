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

  init(file: TestFile, cases: [NativeCase], complaint: (message: String, line: Int)?) {
    self.file = file
    self.cases = cases
    self.complaint = complaint
    stem = Self.stem(of: file.name)
  }

  /// Replaces dots: Swift Testing splits the name of a suite at them.
  static func stem(of name: String) -> String {
    XMLText.name(name.hasSuffix(".lua") ? String(name.dropLast(4)) : name).replacing(".", with: "_")
  }

  package var name: String { XMLText.name(file.name) }

  /// The sub-tests that can be selected.
  package var enabledPaths: [[String]] {
    cases.compactMap { test in
      if test.disabled == nil, case .subTest(let path) = test.subject { path } else { nil }
    }
  }
}
