import ProviumSystem
import Testing

@Suite("Unique elements") struct UniquedTests {
  @Test("the first of equal elements stays, in its place") func order() {
    #expect(["b", "a", "b", "c", "a"].uniqued() == ["b", "a", "c"])
    #expect([Int]().uniqued() == [])
  }
}
