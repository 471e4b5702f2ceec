import ProviumAgentClient
import ProviumBoot
import ProviumShare

extension SharedFolder {
  /// The most shares of a VM.
  static let most = WireLimit.shares

  /// The path of the guest in one spelling.
  var place: GuestPath {
    get throws(GuestPath.Unusable) {
      var bytes = Array(path.utf8)
      while bytes.count > 1, bytes.last == UInt8(ascii: "/") { bytes.removeLast() }
      return try GuestPath(bytes)
    }
  }

  /// The reason why no VM can have the share; nil if a VM can.
  var problem: InvalidConfiguration.Problem? {
    if !isRoot {
      if !path.isEmpty, path.utf8.allSatisfy({ $0 == UInt8(ascii: "/") }) {
        return .refused("cannot cover the whole guest: use root = \"FOLDER\"")
      }
      do { _ = try place } catch { return .refused("\(error)") }
    }
    do { _ = try ShareServer(settings) } catch { return .refused("is impossible: \(error)") }
    return nil
  }
}
