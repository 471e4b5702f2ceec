import ProviumAgentClient
import ProviumSystem
import ProviumVM

/// The names of other machines in the guest.
extension Machine {
  /// Writes the names of all machines of a network into a guest, between these lines of `/etc/hosts`.
  private static let begin = "# provium: machines of this test"
  private static let end = "# provium: end"
  private static let hostsPath: ByteString = "/etc/hosts"

  /// Makes the names of other machines known to the guest. A guest whose `/etc` cannot be written stays without.
  func writeHosts(_ lines: [String]) throws {
    let block = ([Self.begin] + lines + [Self.end]).joined(separator: "\n") + "\n"
    // Where another branch waits for the VM, the end of the branches writes the names.
    guard block != writtenHosts, !isInUse, let machine = virtualMachine, state == .booted else { return }
    let previous = lastUse
    defer { lastUse = previous }
    try guarded("hosts", on: machine, allowance: .zero) { deadline in
      let connection = machine.connection
      var text = "127.0.0.1 localhost\n::1 localhost\n"
      do {
        text = String(
          decoding: try connection.readFile(Self.hostsPath, limit: 1 << 20, until: deadline),
          as: UTF8.self
        )
      } catch GuestError.refused {
        _ = try? connection.exec("mkdir -p /etc", CommandOptions(), until: deadline)
      }
      do {
        let kept = Self.withoutBlock(text)
        try connection.writeFile(Self.hostsPath, Array((kept + block).utf8), mode: 0o644, until: deadline)
      } catch GuestError.refused(_, let message) {
        context.services.warnOnce("\(label): machines have no names there: \(message)", file: context.name)
      }
    }
    writtenHosts = block
  }

  private static func withoutBlock(_ text: String) -> String {
    var (kept, isInside): ([Substring], Bool) = ([], false)
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line == begin { isInside = true }
      if !isInside { kept.append(line) }
      if line == end { isInside = false }
    }
    let result = kept.joined(separator: "\n")
    return result.isEmpty || result.hasSuffix("\n") ? result : result + "\n"
  }
}
