/// A type whose members are written into the object around it, instead of an object of their own.
///
///     struct Ended: Codable { var file: String; var outcome: Outcome }      // Outcome: JSONFlattened
///     {"file": "a.lua", "outcome": "failed", "failure": {…}}                // not {"outcome": {"outcome": …}}
///
/// This holds where the value is a member of an object. An element of an array, and a whole text, have no
/// object around them and are objects of their own.
package protocol JSONFlattened: Codable {}
