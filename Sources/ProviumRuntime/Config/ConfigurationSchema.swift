/// The keys of `provium.toml` as a JSON schema, for editors. A test compares it with the keys that are accepted.
package enum ConfigurationSchema {
  package static let text = String(decoding: PackageResources.schema_json, as: UTF8.self)
}
