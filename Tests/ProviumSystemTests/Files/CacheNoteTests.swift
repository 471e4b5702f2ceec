import ProviumSystem
import Testing

@Suite("A cache note") struct CacheNoteTests {
  @Test("a result is found again under the same key, and under no other one") func keys() throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/folder/note"
    #expect(CacheNote(path, key: "a").value == nil)
    CacheNote(path, key: "a").write("result")
    #expect(CacheNote(path, key: "a").value == "result")
    #expect(CacheNote(path, key: "b").value == nil)
    CacheNote(path, key: "b").write(["one", "", "three"])
    #expect(CacheNote(path, key: "b").lines == ["one", "", "three"])
    #expect(CacheNote(path, key: "b").value == nil)
    #expect(CacheNote(path, key: "a").lines == nil)
  }

  @Test("an empty result is a result") func empty() throws {
    let scratch = try Scratch()
    let note = CacheNote("\(scratch.path)/note", key: "key")
    note.write("")
    #expect(note.value == "")
  }

  @Test("a note that was cut short is not used", arguments: ["", "key", "key\n", "key\nres"])
  func cut(_ contents: String) throws {
    let scratch = try Scratch()
    try Files.write(Array(contents.utf8), to: "\(scratch.path)/note")
    #expect(CacheNote("\(scratch.path)/note", key: "key").lines == nil)
  }
}
