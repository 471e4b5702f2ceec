@preconcurrency public import XCTest

/// The Lua tests of `provium.toml` as cases of XCTest. Write one subclass, with the one method that XCTest's discovery needs:
///
/// ```swift
/// @_exported import ProviumXCTest  // so that the runner which SwiftPM generates sees `testCase`
///
/// final class LuaFiles: LuaXCTestCase {
///   func testLua() {}
/// }
/// ```
///
/// Cases run one after the other. The script of a file starts with the first of its cases and runs once. Names of cases contain
/// no `.`, `/` or `,`: XCTest's filters give these a meaning. With `swift test --parallel`, SwiftPM runs each case in a process
/// of its own, and each process runs the whole script.
open class LuaXCTestCase: XCTestCase {
  /// Notes that the case is selected. XCTest calls it for each case that is left after filtering, before any case runs.
  public required init(name: String, testClosure: @escaping XCTestCaseClosure) {
    super.init(name: name, testClosure: testClosure)
    // `LuaFiles.boot_lua: kernel version`
    XCTestScripts.shared.select(name)
  }
}

/// Returns one case for each sub-test of the test files. More specific than XCTest's own functions of this name, so the runner
/// that SwiftPM generates calls it.
/// - Parameter tests: The methods found in the source. There must be one; it is not called.
public func testCase<Class: LuaXCTestCase>(_ tests: [(String, (Class) -> () -> Void)]) -> XCTestCaseEntry {
  (Class.self, XCTestScripts.shared.cases())
}

/// Returns one case for each sub-test of the test files, for a method that throws.
/// - Parameter tests: The methods found in the source. There must be one; it is not called.
public func testCase<Class: LuaXCTestCase>(_ tests: [(String, (Class) -> () throws -> Void)])
  -> XCTestCaseEntry
{
  (Class.self, XCTestScripts.shared.cases())
}
