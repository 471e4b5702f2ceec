/// What one console line says to who looks for kernel reports. Pure; marks stand at the beginning of what a kernel prints,
/// so that a driver's `DEBUG:` and a program that speaks of a BUG are none.
///
/// The shapes are those of the kernel's sources: `lib/bug.c`, `kernel/panic.c`, `lib/dump_stack.c`, `mm/kasan/report.c`,
/// `kernel/locking/lockdep.c`, `kernel/rcu/tree_stall.h`, `kernel/hung_task.c`, `kernel/watchdog*.c`, `arch/*/kernel/traps.c`.
enum KernelLine: Hashable {
  /// The first telling line of a report.
  case mark(KernelReport.Kind)
  /// A fault's first line: a line of the kind `die` is its second one.
  case fault(KernelReport.Kind)
  /// `Oops: 0002 [#1]`, `Internal error: … [#1]`: what a fault comes to; alone, a report of its own.
  case die
  /// `Kernel panic - not syncing: REASON`.
  case panic(reason: Substring)
  /// `---[ end trace … ]---`.
  case end
  /// `</TASK>`: the end of a trace, and of reports that have nothing behind it.
  case endOfTrace
  /// A line of `=`, which frames the reports of sanitizers and lockdep.
  case rule
  case cutHere
  case other

  /// Starts of what is neither a fault nor a panic.
  private static let marks: [(String, KernelReport.Kind)] = [
    ("BUG: KASAN: ", .kasan), ("BUG: KFENCE: ", .kasan), ("BUG: KMSAN: ", .kasan), ("UBSAN: ", .ubsan),
    ("BUG: soft lockup", .lockup), ("BUG: workqueue lockup", .lockup),
    ("INFO: rcu_", .rcuStall), ("INFO: task ", .hungTask),
    ("WARNING: CPU: ", .warning), ("WARNING: at ", .warning),
    ("PANIC: double fault", .oops), ("PANIC: early exception", .oops),
    ("BUG: ", .bug),
  ]
  /// What lockdep says behind `WARNING: `, older kernels behind `INFO: `.
  private static let lockdep = [
    "possible circular locking", "possible recursive locking", "possible irq lock inversion",
    "inconsistent lock state", "suspicious RCU usage", "bad unlock balance", "bad contention detected",
    "held lock freed", "lock held when returning", "lock held at task exit", "lock order detected",
    "Nested lock was not taken",
  ]
  private static let faults: [(String, KernelReport.Kind)] = [
    ("BUG: unable to handle ", .bug), ("BUG: kernel NULL pointer", .bug), ("BUG: Unable to handle ", .bug),
    ("BUG: stack guard page", .bug), ("BUG: TASK stack guard page", .bug),
    ("BUG: IRQ stack guard page", .bug),
    ("kernel BUG at ", .bug), ("Unable to handle kernel ", .oops),
  ]
  /// Who may speak in front of a report.
  private static let speakers = ["[ ", "NMI watchdog: ", "watchdog: ", "rcu: ", "traps: ", "kernel: "]

  /// - Parameter text: without its time stamp.
  init(_ text: String) {
    var text = Substring(text)
    while let speaker = Self.speakers.first(where: { text.hasPrefix($0) }) {
      text = text.dropFirst(speaker.count)
    }
    self = Self.frame(text) ?? Self.beginning(text) ?? .other
  }

  private static func frame(_ text: Substring) -> KernelLine? {
    if text.hasPrefix("---[ end ") { return .end }
    if text.hasPrefix("</TASK>") { return .endOfTrace }
    if text.hasPrefix("------------[ cut here ]") { return .cutHere }
    let bytes = text.utf8
    return bytes.count >= 20 && bytes.allSatisfy { $0 == UInt8(ascii: "=") } ? .rule : nil
  }

  private static func beginning(_ text: Substring) -> KernelLine? {
    let panic = "Kernel panic - not syncing"
    if text.hasPrefix(panic) {
      return .panic(reason: text.dropFirst(panic.count).drop { $0 == ":" || $0 == " " })
    }
    if let fault = faults.first(where: { text.hasPrefix($0.0) }) { return .fault(fault.1) }
    if isDie(text) { return .die }
    if let mark = marks.first(where: { text.hasPrefix($0.0) }) {
      // `INFO: task cat:42 blocked for more than 120 seconds.`, and not, say, `INFO: task cat:42 is being killed`.
      return mark.1 == .hungTask && !text.contains(" blocked ") ? nil : .mark(mark.1)
    }
    if text.hasPrefix("WARNING: ") { return warning(text.dropFirst(9)) }
    if text.hasPrefix("INFO: "), lockdep.contains(where: { text.contains($0) }) { return .mark(.lockdep) }
    // SLUB: `BUG kmalloc-64 (Not tainted): Right Redzone overwritten`.
    if text.hasPrefix("BUG "), text.contains("ainted") { return .mark(.bug) }
    if text.hasPrefix("Watchdog detected hard LOCKUP")
      || text.hasPrefix("CPU") && text.contains(": Watchdog detected hard LOCKUP")
    {
      return .mark(.lockup)
    }
    if text.hasPrefix("kmemleak: "), text.contains("new suspected memory leak") { return .mark(.leak) }
    return nil
  }

  /// Newer kernels: `WARNING: kernel/foo.c:12 at foo+0x1/0x2, CPU#0: cat/42`, or `WARNING: CONDITION at kernel/foo.c:12, CPU#0: …`.
  private static func warning(_ text: Substring) -> KernelLine? {
    if lockdep.contains(where: { text.contains($0) }) { return .mark(.lockdep) }
    return text.contains(", CPU#") && text.contains(" at ") ? .mark(.warning) : nil
  }

  /// `Oops: 0002 [#1] SMP`, `divide error: 0000 [#1]`, `Internal error: synchronous external abort: 96000210 [#1]`.
  private static func isDie(_ text: Substring) -> Bool {
    if text.hasPrefix("Oops: ") || text.hasPrefix("Oops [#") || text.hasPrefix("Oops - ") { return true }
    if text.hasPrefix("Internal error: ") || text.hasPrefix("general protection fault") { return true }
    guard text.utf8.contains(UInt8(ascii: "#")), let count = text.firstRange(of: " [#") else { return false }
    let before = text[..<count.lowerBound]
    guard let colon = before.lastIndex(of: ":") else { return false }
    let code = before[colon...].dropFirst(2)
    return code.count >= 4 && code.allSatisfy(\.isHexDigit)
      && text[count.upperBound...].first?.isNumber == true
  }

  /// `[   12.345678] text` and `[   12.345678][  T123] text` → `text`; also behind what a program wrote on that line before.
  static func withoutStamp(_ line: String) -> String {
    var rest = line.utf8[...]
    while let open = rest.firstIndex(of: UInt8(ascii: "[")) {
      rest = rest[open...].dropFirst()
      guard let close = rest.prefix(stampLength).firstIndex(of: UInt8(ascii: "]")), isTime(rest[..<close])
      else { continue }
      var text = rest[close...].dropFirst()
      if text.first == UInt8(ascii: "["), let end = text.firstIndex(of: UInt8(ascii: "]")),
        isCaller(text[..<end].dropFirst())
      {
        text = text[end...].dropFirst()
      }
      return String(Substring(text.drop { $0 == UInt8(ascii: " ") }))
    }
    return String(line.drop { $0 == " " })
  }

  /// Bytes in which a stamp must end: a line of nothing but `[` must not cost its length squared.
  private static let stampLength = 32

  /// `  12.345678`
  private static func isTime(_ text: Substring.UTF8View) -> Bool {
    let parts = text.drop { $0 == UInt8(ascii: " ") }
      .split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    return parts.count == 2 && parts.allSatisfy { !$0.isEmpty && $0.allSatisfy(isDigit) }
  }

  /// `  T123` of a thread, `  C1` of a processor.
  private static func isCaller(_ text: Substring.UTF8View) -> Bool {
    let name = text.drop { $0 == UInt8(ascii: " ") }
    return (name.first == UInt8(ascii: "T") || name.first == UInt8(ascii: "C"))
      && name.dropFirst().allSatisfy(isDigit)
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
