import ProviumSystem

/// A container image as users name it after `oci:`.
package enum ImageReference: Sendable, Hashable {
  /// An OCI layout, or the archive of `docker save`.
  case path(String)
  case registry(RegistryImage)

  static let prefix = "oci:"

  /// A registry's image begins with the name of a host: it has a dot or a port, or is `localhost`. Anything else is a path.
  init(_ text: String) {
    let host = text.prefix { $0 != "/" }
    let isHost = host == "localhost" || host.contains(":") || host.dropFirst().contains(".")
    self =
      isHost && host.count < text.count && host.first != "." ? .registry(RegistryImage(text)) : .path(text)
  }
}

/// An image of a registry: `localhost:5000/kernel:6.1`, `ghcr.io/group/kernel@sha256:…`.
package struct RegistryImage: Sendable, Hashable {
  let text: String

  fileprivate init(_ text: String) { self.text = text }

  /// As `--kernel` takes it.
  var name: String { ImageReference.prefix + HarmlessText.line(text) }
  /// The name of exactly this image.
  func pinned(to digest: String) -> String {
    "\(ImageReference.prefix)\(HarmlessText.line(repository))@sha256:\(digest)"
  }

  /// Without tag and digest: `localhost:5000/kernel`.
  var repository: String {
    let named = text.prefix { $0 != "@" }
    // A colon before the last slash belongs to the port.
    let slash = named.lastIndex(of: "/") ?? named.startIndex
    let colon = named[slash...].firstIndex(of: ":") ?? named.endIndex
    return String(named[..<colon])
  }

  /// SHA-256 in hex; nil: it is named by a tag.
  var digest: String? {
    let mark = "@sha256:"
    guard text.count > 64 + mark.count, text.dropLast(64).hasSuffix(mark), Hex.bytes(text.suffix(64)) != nil
    else { return nil }
    return text.suffix(64).lowercased()
  }

  /// The registry's name and port: `localhost:5000`.
  private var host: Substring { text.prefix { $0 != "/" } }

  /// Whether the registry is on this host. Such a registry may have no certificate.
  private var isLoopback: Bool {
    let name = host.hasPrefix("[") ? host.prefix { $0 != "]" } : host.prefix { $0 != ":" }
    return name == "localhost" || name == "[::1" || name.hasPrefix("127.")
  }

  // MARK: Fetching

  /// The digest that the registry has the name for at present, in hex.
  /// - Throws: `ImageError`.
  func currentDigest() throws -> String {
    SHA256.hex(try skopeo(["inspect", "--raw"], tls: "--tls-verify=false", ["docker://\(text)"]).output)
  }

  /// Fetches the image into an OCI layout.
  /// - Parameters:
  ///   - digest: a digest of `currentDigest`.
  ///   - folder: holds the layout, in `image`.
  func fetch(digest: String, platform: String, into folder: String) throws {
    _ = try skopeo(
      ["copy", "--quiet", "--override-os", "linux", "--override-arch", platform],
      tls: "--src-tls-verify=false",
      ["docker://\(repository)@sha256:\(digest)", "oci:image:kernel"],
      folder: folder
    )
  }

  private func skopeo(_ command: [String], tls: String, _ images: [String], folder: String? = nil) throws
    -> ToolRun
  {
    do {
      return try ToolRun.run(
        "skopeo",
        command + (isLoopback ? [tls] : []) + images,
        directory: folder,
        deadline: .after(.seconds(1800))
      )
    } catch {
      let reason = Self.reason(error)
      throw problem(reason + (remedy(for: reason) ?? ""))
    }
  }

  /// The advice for a message of skopeo; nil: none is known.
  private func remedy(for message: String) -> String? {
    let host = HarmlessText.line(String(host))
    let refusals = [
      "unauthorized", "not authorized", "authentication required", "access to the resource is denied",
    ]
    if refusals.contains(where: message.contains) {
      return "; log in: skopeo login \(host) (logins of podman and docker and REGISTRY_AUTH_FILE count, too)"
    }
    if message.contains("certificate signed by unknown authority") {
      return
        "; name its authority's certificate by SSL_CERT_FILE, or keep it as /etc/containers/certs.d/\(host)/ca.crt"
    }
    let plain = ["HTTP response to HTTPS client", "first record does not look like a TLS handshake"]
    if plain.contains(where: message.contains) {
      return
        "; only a registry on localhost may lack TLS: allow this one in registries.conf (insecure = true)"
    }
    return nil
  }

  static func reason(_ error: any Error) -> String {
    switch error {
    case ToolRun.Failure.notInstalled:
      "skopeo is not installed, which fetches images (apt-get install skopeo); an image on this host can be named by its path"
    case ToolRun.Failure.failed(_, _, let errors): message(in: errors)
    default: "\(error)"
    }
  }

  private func problem(_ reason: String) -> ImageError { .unknownKernel(name: name, reason: reason) }

  /// A problem of the fetched image, whose path in the cache says nothing.
  func problem(_ error: any Error) -> ImageError {
    guard case ImageError.notAKernel(_, let what) = error else { return problem("\(error)") }
    return problem(what)
  }

  /// The message of a line such as `time="…" level=fatal msg="initializing source …"`.
  static func message(in errors: String) -> String {
    let line = errors.split(separator: "\n").last.map(String.init) ?? ""
    let mark = Array("msg=\"".utf8), bytes = Array(line.utf8)
    guard let start = bytes.firstRange(of: mark, from: 0), line.last == "\"" else {
      return HarmlessText.line(line.isEmpty ? "skopeo failed and gave no reason" : line)
    }
    let quoted = String(decoding: bytes[(start + mark.count)...].dropLast(), as: UTF8.self)
    let text = quoted.split(separator: "\\\"", omittingEmptySubsequences: false).joined(separator: "\"")
    // skopeo says this of each problem of an image, also if its name is right.
    let parts = text.split(separator: "\": ", maxSplits: 1)
    return HarmlessText.line(
      text.hasPrefix("Error parsing image name") && parts.count == 2 ? String(parts[1]) : text
    )
  }
}
