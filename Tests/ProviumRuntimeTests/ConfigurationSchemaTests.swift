import ProviumJSON
import ProviumSystem
import Testing

@testable import ProviumRuntime

@Suite("The JSON schema of provium.toml") struct ConfigurationSchemaTests {
  private let schema: JSONValue

  init() throws { schema = try JSONParser.parse(Array(ConfigurationSchema.text.utf8)) }

  /// A table of the file: its place in TOML, and its place in the schema.
  private static let tables = [
    ("provium", "properties/provium"), ("matrix", "properties/matrix"), ("profile.x", "definitions/profile"),
    ("suite.x", "definitions/kselftest"), ("suite.x", "definitions/kunit"), ("suite.x", "definitions/ltp"),
    ("suite.x", "definitions/fstests"),
    ("known.x", "definitions/known"),
  ]

  private func value(_ place: String) throws -> JSONValue {
    try place.split(separator: "/").reduce(schema) { value, key in try #require(value[String(key)]) }
  }

  private func keys(_ place: String) throws -> [String] { try #require(value(place).members).map(\.key) }

  /// The keys that the reader names after an unknown one.
  private func accepted(_ text: String) throws -> [String] {
    do {
      _ = try ConfigurationFile.parse(text, path: "/p/provium.toml")
      return []
    } catch ConfigurationError.unknownKey(_, _, "bogus", let known) {
      return known
    } catch ConfigurationError.unknownKey(_, _, let key, let known) {
      return key.hasSuffix(".bogus") ? known : []
    }
  }

  @Test("has exactly the keys that are accepted", arguments: tables) func keys(table: String, place: String)
    throws
  {
    let kind = table == "suite.x" ? "kind = \"\(place.dropFirst("definitions/".count))\"\n" : ""
    let known = try accepted("[\(table)]\n\(kind)bogus = 1\n")
    #expect(!known.isEmpty)
    #expect(try known.sorted() == keys("\(place)/properties").sorted())
    #expect(try accepted("bogus = 1").sorted() == keys("properties").sorted())
  }

  @Test("has an example of each key that is accepted, and a text", arguments: tables)
  func examples(table: String, place: String) throws {
    for member in try #require(value("\(place)/properties").members) {
      #expect(member.value["description"]?.string?.hasSuffix(".") == true, "\(member.key) has no text")
      let examples = try #require(member.value["examples"]?.array)
      #expect(!examples.isEmpty, "\(member.key) has no example")
      for example in examples {
        // An inline table of TOML has `=` where an object of JSON has `:`.
        let value = example.text.replacing("\":", with: "\" = ")
        var text = "[\(table)]\n\(member.key) = \(value)\n"
        if table == "suite.x", member.key != "kind" {
          text += "kind = \"\(place.dropFirst("definitions/".count))\"\n"
        }
        if table == "suite.x", !place.hasSuffix("kunit"), member.key != "path" { text += "path = \"p\"\n" }
        if place.hasSuffix("profile"), member.key != "kernel" { text += "kernel = \"k\"\n" }
        if place.hasSuffix("known") {
          let all = ["tests": "[\"t\"]", "reason": "\"r\"", "until": "\"2027-01-31\""]
          for (key, value) in all where key != member.key { text += "\(key) = \(value)\n" }
        }
        #expect(throws: Never.self, "\(text)") { try ConfigurationFile.parse(text, path: "/p/provium.toml") }
      }
    }
  }
}
