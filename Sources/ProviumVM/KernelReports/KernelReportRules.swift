/// The shapes of the lines that kernels print in their reports. Each shape is compared with the beginning of a line, so that
/// a driver's `DEBUG:`, or a line that mentions a report, has none.
///
/// The shapes are those of the kernel's sources: `lib/bug.c`, `lib/ubsan.c`, `lib/dump_stack.c`, `kernel/panic.c`,
/// `mm/kasan/report.c`, `mm/kmemleak.c`, `mm/slub.c`, `kernel/locking/lockdep.c`, `kernel/rcu/tree_stall.h`,
/// `kernel/hung_task.c`, `kernel/watchdog*.c`, `arch/x86/kernel/unwind_frame.c`, `fs/super.c`, `net/core/dev.c`,
/// `lib/kunit/test.c`, `arch/*/kernel/traps.c`.
enum KernelReportRules {
  /// A line that has an exact beginning and contains further texts.
  private struct Shape {
    let start: String
    let kind: KernelReport.Kind
    var containsOne: [String] = []

    func matches(_ text: Substring) -> Bool {
      text.hasPrefix(start) && (containsOne.isEmpty || containsOne.contains { text.contains($0) })
    }
  }

  private static let marks = [
    Shape(start: "BUG: KASAN: ", kind: .kasan), Shape(start: "BUG: KFENCE: ", kind: .kasan),
    Shape(start: "BUG: KMSAN: ", kind: .kasan),
    Shape(start: "BUG: soft lockup", kind: .lockup), Shape(start: "BUG: workqueue lockup", kind: .lockup),
    Shape(start: "Watchdog detected hard LOCKUP", kind: .lockup),
    Shape(start: "INFO: rcu_", kind: .rcuStall, containsOne: ["stall"]),
    Shape(start: "INFO: task ", kind: .hungTask, containsOne: hungTask),
    Shape(start: "INFO: trying to register non-static key", kind: .lockdep),
    Shape(start: "WARNING: CPU: ", kind: .warning),
    Shape(start: "WARNING: kernel stack regs at ", kind: .warning, containsOne: [" has bad "]),
    Shape(start: "WARNING: kernel stack frame pointer at ", kind: .warning, containsOne: [" has bad "]),
    Shape(start: "PANIC: double fault", kind: .oops), Shape(start: "PANIC: early exception", kind: .oops),
    Shape(start: "BUG ", kind: .bug, containsOne: ["(Not tainted)", "(Tainted: "]),
    Shape(start: "VFS: Close: file count is 0", kind: .bug),
    Shape(start: "VFS: Busy inodes after unmount of ", kind: .bug),
    Shape(start: "kmemleak: ", kind: .leak, containsOne: kmemleak),
    Shape(start: "unreferenced object 0x", kind: .leak, containsOne: [" (size "]),
    Shape(start: "unregister_netdevice: waiting for ", kind: .leak, containsOne: [" to become free"]),
  ]
  private static let kmemleak = ["new suspected memory leak", "unreferenced object 0x"]
  private static let hungTask = [
    " blocked for more than ", " blocked in I/O wait for ", " can't die for more ",
  ]

  /// The texts of lockdep after `WARNING: `, older kernels after `INFO: `.
  private static let lockdep = [
    "possible circular locking", "possible recursive locking", "possible irq lock inversion",
    "inconsistent lock state", "suspicious RCU usage", "bad unlock balance", "bad contention detected",
    "held lock freed", "lock held when returning", "lock held at task exit", "lock order detected",
    "Nested lock was not taken", "still has locks held",
  ]

  private static let faults = [
    Shape(start: "BUG: unable to handle ", kind: .bug), Shape(start: "BUG: Unable to handle ", kind: .bug),
    Shape(start: "BUG: kernel NULL pointer", kind: .bug), Shape(start: "BUG: stack guard page", kind: .bug),
    Shape(start: "BUG: TASK stack guard page", kind: .bug),
    Shape(start: "BUG: IRQ stack guard page", kind: .bug),
    Shape(start: "kernel BUG at ", kind: .bug), Shape(start: "Unable to handle kernel ", kind: .oops),
  ]

  /// `BUG: ` alone is enough for a kernel. A program that writes into the kernel log (facility other than 0) may begin its
  /// own messages so; of these only the known reports count.
  private static let knownBugs = [
    "KCSAN: ", "scheduling while atomic", "sleeping function called from", "spinlock ", "rwlock ",
    "Bad page ",
    "Bad rss-counter", "using smp_processor_id()", "using __this_cpu_", "workqueue leaked", "memory leak",
    "Invalid wait context", "held lock freed", "bad unlock balance", "lock held ", "still has locks held",
    "corrupted ", "Dentry ", "Object already free", "MAX_LOCK", "MAX_STACK", "non-zero pgtables_bytes",
    "key ", "looking up invalid subclass",
  ]

  /// Lines inside a report of SLUB. Where printk dropped its first lines, these are all that is left.
  private static let parts = [
    Shape(start: "INFO: Allocated in ", kind: .bug, containsOne: [" age="]),
    Shape(start: "INFO: Freed in ", kind: .bug, containsOne: [" age="]),
  ]

  /// Prefixes that kernels print before a report on the same line.
  private static let speakers = ["[ ", "NMI watchdog: ", "watchdog: ", "rcu: ", "traps: ", "kernel: "]

  /// Returns the meaning of a line.
  /// - Parameters:
  ///   - text: without its time stamp.
  ///   - isProgram: a program wrote it into the kernel log.
  static func line(_ text: Substring, isProgram: Bool = false) -> KernelLine {
    var text = text
    while let speaker = speakers.first(where: { text.hasPrefix($0) }) { text = text.dropFirst(speaker.count) }
    text = withoutProcessor(text)
    return frame(text) ?? beginning(text, isProgram: isProgram) ?? .other
  }

  /// `CPU1: Watchdog detected …` (x86), `CPU 0 Unable to handle kernel …` (MIPS): without the processor.
  private static func withoutProcessor(_ text: Substring) -> Substring {
    guard text.hasPrefix("CPU") else { return text }
    let rest = text.dropFirst(3).drop { $0 == " " }
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    let after = rest[digits.endIndex...].drop { $0 == ":" || $0 == " " }
    let isSpeaker = after.hasPrefix("Watchdog detected") || after.hasPrefix("Unable to handle kernel ")
    return !digits.isEmpty && isSpeaker ? after : text
  }

  private static func frame(_ text: Substring) -> KernelLine? {
    if text.hasPrefix("---[ end ") { return .end }
    if text.hasPrefix("</TASK>") { return .endOfTrace }
    if text.hasPrefix("------------[ cut here ]") { return .cutHere }
    let bytes = text.utf8
    return bytes.count >= 20 && bytes.allSatisfy { $0 == UInt8(ascii: "=") } ? .rule : nil
  }

  private static func beginning(_ text: Substring, isProgram: Bool) -> KernelLine? {
    if let reason = panicReason(text) { return .panic(reason: reason) }
    if let fault = faults.first(where: { $0.matches(text) }) { return .fault(fault.kind) }
    if isDie(text) { return .die }
    // Kernels before 4.9 print it inside a report of KASAN.
    if text.hasPrefix("BUG "), text.hasSuffix("kasan: bad access detected") { return .other }
    if let mark = marks.first(where: { $0.matches(text) }) { return .mark(mark.kind) }
    if text.hasPrefix("UBSAN: ") { return namesPosition(text) ? .mark(.ubsan) : nil }
    if !isProgram, let line = kunit(text) { return line }
    if text.hasPrefix("WARNING: ") { return warning(text.dropFirst(9)) }
    if text.hasPrefix("BUG: ") {
      let message = text.dropFirst(5)
      return !isProgram || knownBugs.contains { message.hasPrefix($0) } ? .mark(.bug) : nil
    }
    if text.hasPrefix("INFO: "), lockdep.contains(where: { text.contains($0) }) { return .mark(.lockdep) }
    if let part = parts.first(where: { $0.matches(text) }) { return .part(part.kind) }
    if text.hasPrefix("INFO: task ") { return .brokenHungTask }
    return text.hasSuffix(" seconds.") && hungTask.contains { text.contains($0) } ? .restOfHungTask : nil
  }

  /// The text after `Kernel panic - not syncing: `; nil for every other line.
  private static func panicReason(_ text: Substring) -> Substring? {
    let panic = "Kernel panic - not syncing"
    guard text.hasPrefix(panic) else { return nil }
    return text.dropFirst(panic.count).drop { $0 == ":" || $0 == " " }
  }

  /// `WARNING: at kernel/foo.c:12 foo+0x1/0x2` of old kernels. New kernels print
  /// `WARNING: kernel/foo.c:12 at foo+0x1/0x2, CPU#0: cat/42` or
  /// `WARNING: [CONDITION] kernel/foo.c:12 at foo+0x1/0x2, CPU#0: cat/42`.
  private static func warning(_ text: Substring) -> KernelLine? {
    if lockdep.contains(where: { text.contains($0) }) { return .mark(.lockdep) }
    if text.hasPrefix("at ") { return namesPosition(text) ? .mark(.warning) : nil }
    return text.contains(", CPU#") && text.contains(" at ") ? .mark(.warning) : nil
  }

  /// The lines of lib/kunit/test.c that tell a failure: `# CASE: EXPECTATION FAILED at FILE:LINE`, `not ok 2 CASE`.
  private static func kunit(_ text: Substring) -> KernelLine? {
    if text.hasPrefix("# ") {
      let failures = [": EXPECTATION FAILED at ", ": ASSERTION FAILED at "]
      return failures.contains { text.contains($0) } && namesPosition(text) ? .mark(.kunit) : nil
    }
    guard text.hasPrefix("not ok "), text.dropFirst(7).first?.isNumber == true,
      !text.contains(" # SKIP"), !text.contains(" # TODO")
    else { return nil }
    return .failedKUnit
  }

  /// Whether the text names a line of a source file: `x.c:12`.
  private static func namesPosition(_ text: Substring) -> Bool {
    text.split(separator: " ").contains { word in
      guard let colon = word.firstIndex(of: ":"), word[..<colon].contains(".") else { return false }
      return word[colon...].dropFirst().first?.isNumber == true
    }
  }

  /// The line of the kernel's `die()` numbers the oops: `Oops: 0002 [#1] SMP`, `divide error: 0000 [#1]`,
  /// `Oops - undefined instruction: 0 [#1]`, `Internal error: Oops: 96000005 [#1]`.
  private static func isDie(_ text: Substring) -> Bool {
    guard text.utf8.contains(UInt8(ascii: "#")), let count = text.firstRange(of: "[#"),
      text[count.upperBound...].first?.isNumber == true
    else { return false }
    let names = ["Oops: ", "Oops [#", "Oops - ", "Internal error: ", "general protection fault"]
    if names.contains(where: { text.hasPrefix($0) }) { return true }
    // Any other trap: its name, and the error code in at least four hexadecimal digits.
    let before = text[..<count.lowerBound]
    guard before.last == " ", let colon = before.lastIndex(of: ":") else { return false }
    let code = before[colon...].dropFirst(2).dropLast()
    return code.count >= 4 && code.allSatisfy(\.isHexDigit)
  }
}
