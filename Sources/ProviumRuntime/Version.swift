/// The release of Provium that this is.
package enum ProviumVersion {
  package static let string = "0.1.0"
}
