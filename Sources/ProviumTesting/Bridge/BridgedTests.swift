// The only file that uses swift-testing's underscored API: `Test.__store`, `Test.__type`, `Test.__function`, and the layout of
// test content records (CTestContent). The condition below names the compilers that it was written for. With any other compiler,
// or with PROVIUM_FALLBACK=1, `LuaFallback.swift` is compiled instead and uses public API alone.
#if compiler(>=6.3) && compiler(<6.6) && !PROVIUM_FALLBACK
  internal import CTestContent
  import Glibc
  import ProviumRunner
  import ProviumScripts
  import Testing

  /// Writes the `Test` of record `index` to `out`. swift-testing calls it, on any thread, any number of times.
  @_spi(TestContent) @_cdecl("provium_record_make")
  public func proviumRecordMake(
    _ out: UnsafeMutableRawPointer,
    _ type: UnsafeRawPointer,
    _ hint: UnsafeRawPointer?,
    _ index: UInt
  ) -> CBool {
    guard let make = BridgedTests.all[safe: Int(index)] else { return false }
    if Test.__store(make, into: out, asTypeAt: type) { return true }
    if index == 0 {
      Diagnostics.say("Lua tests are invisible: this process runs another copy of swift-testing")
    }
    return false
  }

  /// All native cases of this process, in the order of the records.
  enum BridgedTests {
    typealias Maker = @Sendable () async -> Test

    /// Read once. Boots nothing and runs no script.
    static let all: [Maker] = {
      let catalogue = TestCatalogue.shared
      var makers = catalogue.files.flatMap(makers(of:))
      if let complaint = catalogue.complaint {
        makers.append { failing("(provium)", complaint, at: catalogue.origin) }
      }
      let capacity = Int(provium_record_capacity())
      if makers.count > capacity {
        let count = makers.count
        let pages = count <= 32 * 256 ? "-Xcc -DPROVIUM_RECORD_PAGES=32" : "fewer files in one package"
        let complaint =
          "\(count) Lua tests and suites do not fit into the pool of \(capacity); build with \(pages)"
        // Also on standard error: a filter may leave the failing case out.
        Diagnostics.say(complaint)
        makers[capacity - 1] = { failing("(too many Lua tests)", complaint, at: catalogue.origin) }
      }
      return makers
    }()

    private static func makers(of file: NativeFile) -> [Maker] {
      let suite = file.suiteNames.flatMap { RuntimeSuiteType.make(module: $0.module, name: $0.name) }
      var makers: [Maker] = []
      if let suite { makers.append { makeSuite(suite, file) } }
      for test in file.cases {
        makers.append {
          if let suite { return makeTest(in: suite, file, test) }
          return makeTest(outside: file, test)
        }
      }
      return makers
    }

    private static func makeSuite<Suite>(_ suite: Suite.Type, _ file: NativeFile) -> Test {
      let traits: [any SuiteTrait] = [.serialized, ScriptScope(file: file)]
      let location = file.location(line: 1)
      #if compiler(>=6.4)
        return Test.__type(suite, displayName: file.name, traits: traits, sourceBounds: bounds(location))
      #else
        return Test.__type(suite, displayName: file.name, traits: traits, sourceLocation: location)
      #endif
    }

    private static func makeTest<Suite>(in suite: Suite.Type, _ file: NativeFile, _ test: NativeCase)
      -> Test
    {
      makeTest(suite as Suite.Type?, named: test.safeName, file, test)
    }

    /// Without a suite type, the name contains the file: `boot.lua/kernel version`.
    private static func makeTest(outside file: NativeFile, _ test: NativeCase) -> Test {
      makeTest(
        nil as Never.Type?,
        named: "\(file.family)/\(file.stem).\(file.kind)/\(test.safeName)",
        file,
        test
      )
    }

    private static func makeTest<Suite>(
      _ suite: Suite.Type?,
      named name: String,
      _ file: NativeFile,
      _ test: NativeCase
    ) -> Test {
      let location = file.location(line: test.line, column: test.column)
      var traits: [any TestTrait] = []
      if let reason = test.disabled {
        traits.append(
          ConditionTrait.disabled(Comment(rawValue: XMLText.clean(reason)), sourceLocation: location)
        )
      }
      // Last: a case that an earlier trait skips is not prepared, and so it is not selected.
      traits.append(SelectionTrait(file: file.file, subject: test.subject))
      return function(
        named: name,
        in: suite,
        displayName: "\(file.name) › \(test.safeName)",
        traits: traits,
        at: location
      ) { try await ScriptScope.runTest(file, test) }
    }

    private static func failing(_ name: String, _ message: String, at path: String) -> Test {
      let location = SourceLocation(fileID: "LuaTests/provium", filePath: path, line: 1, column: 1)
      return function(named: name, in: nil as Never.Type?, displayName: nil, traits: [], at: location) {
        Issue.record(Comment(rawValue: XMLText.clean(message)), sourceLocation: location)
      }
    }

    private static func function<Suite>(
      named name: String,
      in suite: Suite.Type?,
      displayName: String?,
      traits: [any TestTrait],
      at location: SourceLocation,
      _ body: @escaping @Sendable () async throws -> Void
    ) -> Test {
      #if compiler(>=6.4)
        return Test.__function(
          named: name,
          in: suite,
          xcTestCompatibleSelector: nil,
          displayName: displayName,
          traits: traits,
          sourceBounds: bounds(location),
          testFunction: body
        )
      #else
        return Test.__function(
          named: name,
          in: suite,
          xcTestCompatibleSelector: nil,
          displayName: displayName,
          traits: traits,
          sourceLocation: location,
          testFunction: body
        )
      #endif
    }

    #if compiler(>=6.4)
      private static func bounds(_ location: SourceLocation) -> __SourceBounds {
        __SourceBounds(__uncheckedLowerBound: location, upperBound: (location.line, location.column + 1))
      }
    #endif
  }

  /// Notes that its case was selected.
  struct SelectionTrait: TestTrait {
    let file: TestFile
    let subject: NativeCase.Subject

    func prepare(for test: Test) async throws { SelectedCases.shared.add(subject, of: file) }
  }

  extension Array {
    subscript(safe index: Int) -> Element? { indices.contains(index) ? self[index] : nil }
  }
#endif
