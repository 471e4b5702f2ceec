/// The version of Provium.
package enum ProviumVersion {
  package static let string = "0.1.0"
}
