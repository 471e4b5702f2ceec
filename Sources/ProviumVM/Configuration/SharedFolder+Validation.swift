import ProviumAgentClient
import ProviumBoot
import ProviumShare
import ProviumSystem

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
    if let packages {
      let wrong = packages.first { !DebianPackages.isName($0) }
      return wrong.map { .refused("cannot be made of the package '\($0)': that is no name of a package") }
    }
    // It is unpacked when the VM boots.
    if isArchive { return archiveProblem }
    do { _ = try ShareServer(settings) } catch { return .refused("is impossible: \(error)") }
    return nil
  }

  private var archiveProblem: InvalidConfiguration.Problem? {
    let file = RootArchive.identity(folder)
    guard Files.isRegularFile(file) else {
      return .expected("a folder or an archive", given: "\(folder), which is a device, socket or pipe")
    }
    do { _ = try Files.readHead(file, 1) } catch { return .refused("is impossible: \(error)") }
    return nil
  }
}
