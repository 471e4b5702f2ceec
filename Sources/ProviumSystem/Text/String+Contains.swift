// Foundation has a function of this name, which compares by Unicode's canonical equivalence. Any package that imports Foundation
// makes it visible here, and it would link Foundation and ICU into the command. These functions are preferred to it.

extension String {
  /// Returns whether the bytes of `text` occur in this string. Nothing contains the empty string.
  package func contains(_ text: String) -> Bool { self[...].contains(text) }
}

extension Substring {
  /// Returns whether the bytes of `text` occur in this string. Nothing contains the empty string.
  package func contains(_ text: String) -> Bool {
    var text = text, whole = self
    return whole.withUTF8 { whole in
      text.withUTF8 { text in
        !text.isEmpty
          && ByteSearch.find(UnsafeRawBufferPointer(text), in: UnsafeRawBufferPointer(whole)) != nil
      }
    }
  }
}
