/// The functions and types of scripts, for editors: a file for the Lua language server. A test compares it with the bindings.
package enum EditorTypes {
  package static let text = String(decoding: PackageResources.provium_lua, as: UTF8.self)
}
