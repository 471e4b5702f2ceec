import ProviumJSON
import Testing

@Suite("JSON coding of Swift types") struct JSONCodingTests {
  private enum Colour: String, Codable { case red, green }
  private struct Detail: Codable, Hashable, JSONFlattened {
    var depth: Int
    var note: String?
  }
  private struct Sample: Codable, Hashable {
    var name: String
    var seed: UInt64
    var smallest: Int64
    var ratio: Double
    var isOn: Bool
    var colour: Colour
    var detail: Detail
    var details: [Detail]
    var words: [String]
    var table: [String: Int]
    var missing: String?
    var bytes: [UInt8]
    @EmptyWhenAbsent var extra: [String]
  }
  private let sample = Sample(
    name: "a\"\u{1}",
    seed: .max,
    smallest: .min,
    ratio: 0.1234567,
    isOn: true,
    colour: .green,
    detail: Detail(depth: 1),
    details: [Detail(depth: 2, note: "n")],
    words: ["x", ""],
    table: ["b": 2, "a": 1],
    missing: nil,
    bytes: [0, 255],
    extra: []
  )

  @Test("writes members in their order, flattened types into the object around them, and nil as null")
  func encoded() throws {
    #expect(
      try JSONEncoding(decimals: ["ratio": 3]).value(of: sample).text
        == #"{"name":"a\"\u0001","seed":18446744073709551615,"smallest":-9223372036854775808,"ratio":0.123,"#
        + #""isOn":true,"colour":"green","depth":1,"note":null,"details":[{"depth":2,"note":"n"}],"#
        + #""words":["x",""],"table":{"a":1,"b":2},"missing":null,"bytes":[0,255],"extra":[]}"#
    )
  }

  @Test("leaves nil members out where that was asked for") func withoutNil() throws {
    #expect(
      try JSONEncoding(writesNil: false).value(of: Detail(depth: 1)).text == #"{"depth":1}"#
    )
  }

  @Test("reads back what it wrote") func roundTrip() throws {
    let text = try JSONEncoding().value(of: sample).text
    #expect(try JSONParser.parse(text.utf8).decode(Sample.self) == sample)
    let withoutNil = try JSONEncoding(writesNil: false).value(of: sample).text
    #expect(try JSONParser.parse(withoutNil.utf8).decode(Sample.self) == sample)
  }

  @Test(
    "refuses a value of another kind, by the path to it",
    arguments: [
      (#"{"a": 256}"#, #"has a whole number as "a" instead of a whole number from 0 to 255"#),
      (#"{"a": -1}"#, #"has a whole number as "a" instead of a whole number from 0 to 255"#),
      (#"{"a": 1.5}"#, #"has a number as "a" instead of a whole number from 0 to 255"#),
      (#"{}"#, #"lacks "a""#), (#"{"a": null}"#, #"lacks "a""#), ("[]", "has a list instead of an object"),
    ]
  )
  func refused(text: String, reason: String) throws {
    struct Small: Decodable { let a: UInt8 }
    let value = try JSONParser.parse(text.utf8)
    let error = #expect(throws: JSONMismatch.self) { try value.decode(Small.self) }
    #expect(error?.description == reason)
  }

  @Test(
    "encodes enumerations with payloads, whole numbers, and nested containers as the compiler derives them"
  )
  func derived() throws {
    enum Shape: Codable, Hashable {
      case circle(radius: Double)
      case square(Int, label: String?)
      case none
    }
    let shapes: [Shape] = [.circle(radius: 1.5), .square(2, label: nil), .none]
    let value = try JSONEncoding().value(of: shapes)
    #expect(value.text == #"[{"circle":{"radius":1.5}},{"square":{"_0":2,"label":null}},{"none":{}}]"#)
    #expect(try value.decode([Shape].self) == shapes)
  }

  @Test("sorts the members of all objects, and writes one a line with indentation") func forPeople() throws {
    let value = JSONValue.object([
      "b": .array([.integer(1), .object(["z": .null, "a": .bool(true)])]), "a": .array([]),
    ])
    #expect(value.sorted.text == #"{"a":[],"b":[1,{"a":true,"z":null}]}"#)
    #expect(
      value.sorted.indentedText == """
        {
          "a": [],
          "b": [
            1,
            {
              "a": true,
              "z": null
            }
          ]
        }
        """
    )
    #expect(try JSONParser.parse(value.indentedText.utf8) == value)
  }

  @Test("escapes what acts on terminals, and nothing else beyond the demands of JSON") func escapes() {
    let text = "\u{0}\u{1F} \"\\/\n\r\t\u{7F}\u{80}\u{9F}\u{A0}é\u{2027}\u{2028}\u{2029}\u{202A}😀"
    #expect(
      JSONValue.string(text).text
        == "\"\\u0000\\u001f \\\"\\\\/\\n\\r\\t\\u007f\\u0080\\u009f\u{A0}é\u{2027}\\u2028\\u2029\u{202A}😀\""
    )
  }
}
