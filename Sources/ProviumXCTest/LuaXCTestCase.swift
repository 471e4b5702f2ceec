import ProviumCases
import ProviumEvents
import ProviumRuntime
import Synchronization
@preconcurrency public import XCTest

/// The Lua tests of `provium.toml` as cases of XCTest. Make one subclass, with the one method that XCTest's discovery wants:
///
/// ```swift
/// @_exported import ProviumXCTest  // so that the runner which SwiftPM generates sees `testCase`
///
/// final class LuaFiles: LuaXCTestCase {
///   func testLua() {}
/// }
/// ```
///
/// Cases run one after the other; a file's script starts with the first of its cases and runs once. Names hold no `.`, `/` or `,`,
/// which XCTest's filters give a meaning to. Under `swift test --parallel` SwiftPM runs each case in a process of its own, and with it
/// the file's script anew.
open class LuaXCTestCase: XCTestCase {
  /// Called by XCTest for each case that is left after filtering, before any runs.
  public required init(name: String, testClosure: @escaping XCTestCaseClosure) {
    super.init(name: name, testClosure: testClosure)
    // `LuaFiles.boot_lua: kernel version`
    XCTestScripts.shared.select(name)
  }
}

/// More specific than XCTest's own two, so that the runner which SwiftPM generates takes this one: a class of Lua tests has as many
/// cases as the files have sub-tests.
/// - Parameter tests: the methods found in the source; there must be one, and it is not called.
public func testCase<Class: LuaXCTestCase>(_ tests: [(String, (Class) -> () -> Void)]) -> XCTestCaseEntry {
  (Class.self, XCTestScripts.shared.cases())
}

/// The same for a method that throws.
/// - Parameter tests: as above.
public func testCase<Class: LuaXCTestCase>(_ tests: [(String, (Class) -> () throws -> Void)])
  -> XCTestCaseEntry
{
  (Class.self, XCTestScripts.shared.cases())
}
