import ProviumSystem
import ProviumEvents
import ProviumSystem

/// The lines above all results. Pure.
struct HeaderLines {
  let lines: [String]

  /// - Parameter kernel: `6.1.0 (default)`; nil while no VM has answered.
  init(_ header: RunHeader, kernel: String?, command: String, palette: Palette) {
    var facts: [String] = []
    if let kernel { facts.append("kernel \(HarmlessText.line(kernel))") }
    if !header.qemu.isEmpty { facts.append("QEMU \(Self.shortVersion(header.qemu))") }
    facts.append(header.acceleratorText)
    if !header.channel.isEmpty { facts.append(header.channel) }
    let title = command + String(repeating: " ", count: max(2, 49 - DisplayWidth.of(command)))
    var lines = [
      palette.strong(title) + facts.filter { !$0.isEmpty }.map(HarmlessText.line).joined(separator: " · ")
    ]
    var particulars: [String] = []
    if header.timeScale != 1 {
      let cost =
        header.slowdown.map { " (emulated code runs \(Self.short($0)) × slower)" } ?? ""
      particulars.append("time limits × \(Self.short(header.timeScale))\(cost)")
    }
    if let pool = header.pool { particulars.append(HarmlessText.line(pool)) }
    if let shard = header.shard {
      let basis = shard.isBalanced ? "balanced by durations" : "dealt out by name (--durations balances)"
      particulars.append(
        "shard \(shard.name): \(shard.part.count) of \(Amount.count(shard.suite.count, "file")), \(basis)"
      )
    }
    if let seed = header.seed { particulars.append("shuffled with seed \(seed)") }
    if !particulars.isEmpty { lines.append("  " + palette.faint(particulars.joined(separator: " · "))) }
    self.lines = lines + [""]
  }

  /// `7.2` of `7.2.22 (Debian …)`.
  private static func shortVersion(_ version: String) -> String {
    let parts = version.split(separator: " ").first?.split(separator: ".") ?? []
    return parts.prefix(2).joined(separator: ".")
  }

  private static func short(_ value: Double) -> String {
    let text = Amount.decimal(value, digits: 1)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }
}
