import Testing

@testable import ProviumSystem

@Suite("Ordinal names")
struct OrdinalNamesTests {
  @Test("an equal name gets its ordinal, and no name is given twice")
  func ordinals() {
    var names = OrdinalNames()
    let given = ["a", "b", "a", "a #2", "a", "b", "a #3", "a"]
    #expect(given.map { names.next($0) } == ["a", "b", "a #2", "a #2 #2", "a #3", "b #2", "a #3 #2", "a #4"])
    #expect((0..<20_000).map { _ in names.next("x") }.last == "x #20000")
  }
}
