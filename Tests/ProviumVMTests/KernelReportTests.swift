import Glibc
import ProviumSystem
import Testing

@testable import ProviumVM

@Suite("Kernel reports") struct KernelReportTests {
  /// As one second of printing.
  private func scan(_ lines: [String], at time: UInt64 = 0) -> KernelReportScanner {
    var scanner = KernelReportScanner()
    for line in lines { scanner.take(line, at: time) }
    return scanner
  }
  private func titles(_ text: String) -> [String] {
    scan(text.split(separator: "\n").map { "[    1.234567] \($0)" }).reports.map(\.title)
  }

  @Test("of failed KUnit tests end with the result of the test") func kunit() {
    let text = """
      # Subtest: add
      ok 1 small
      # large: EXPECTATION FAILED at lib/add_test.c:12
      Expected a == b, but
      not ok 2 large
      not ok 3 later # SKIP no device
      not ok 1 add
      ok 2 other
      """
    let reports = scan(text.split(separator: "\n").map { "[    1.234567] \($0)" }).reports
    #expect(reports.map(\.title) == ["# large: EXPECTATION FAILED at lib/add_test.c:12", "not ok 1 add"])
    #expect(reports.map(\.lines.count) == [3, 1])
    var scanner = KernelReportScanner()
    scanner.take("[    1.234567] not ok 1 selftests: timers: nanosleep", at: 0, isProgram: true)
    #expect(scanner.reports.isEmpty)
  }

  @Test(
    "are told by their kind, behind any time stamp",
    arguments: [
      ("BUG: KASAN: slab-out-of-bounds in foo+0x1/0x2", KernelReport.Kind.kasan),
      ("BUG: KFENCE: out-of-bounds read in foo+0x1/0x2", .kasan),
      ("BUG: KMSAN: uninit-value in foo+0x1/0x2", .kasan),
      ("BUG: KCSAN: data-race in a / b", .bug),
      ("UBSAN: array-index-out-of-bounds in fs/x.c:3:4", .ubsan),
      ("WARNING: possible circular locking dependency detected", .lockdep),
      ("WARNING: possible recursive locking detected", .lockdep),
      ("WARNING: possible irq lock inversion dependency detected", .lockdep),
      ("WARNING: inconsistent lock state", .lockdep),
      ("WARNING: suspicious RCU usage", .lockdep),
      ("WARNING: bad unlock balance detected!", .lockdep),
      ("WARNING: HARDIRQ-safe -> HARDIRQ-unsafe lock order detected", .lockdep),
      ("WARNING: lock held when returning to user space!", .lockdep),
      ("[ INFO: possible recursive locking detected ]", .lockdep),
      ("[ BUG: Invalid wait context ]", .bug),
      ("rcu: INFO: rcu_sched self-detected stall on CPU", .rcuStall),
      ("rcu: INFO: rcu_preempt detected expedited stalls on CPUs/tasks: { 1-... }", .rcuStall),
      ("INFO: rcu_tasks detected stalls on tasks:", .rcuStall),
      ("INFO: task cat:42 blocked for more than 120 seconds.", .hungTask),
      ("INFO: task cat:42 blocked in I/O wait for more than 120 seconds.", .hungTask),
      ("watchdog: BUG: soft lockup - CPU#0 stuck for 22s! [cat:42]", .lockup),
      ("NMI watchdog: Watchdog detected hard LOCKUP on cpu 0", .lockup),
      ("watchdog: CPU1: Watchdog detected hard LOCKUP on cpu 1", .lockup),
      ("BUG: workqueue lockup - pool cpus=0 node=0 flags=0x0 nice=0 stuck for 43s!", .lockup),
      ("WARNING: CPU: 0 PID: 1 at kernel/x.c:12 foo+0x1/0x2", .warning),
      ("WARNING: kernel/foo.c:12 at foo+0x1/0x2, CPU#0: cat/42", .warning),
      ("BUG: kernel NULL pointer dereference, address: 0000000000000008", .bug),
      ("BUG: unable to handle page fault for address: ffffffffdeadbeef", .bug),
      ("BUG: scheduling while atomic: a/1/0x2", .bug),
      ("BUG: sleeping function called from invalid context at x.c:1", .bug),
      ("BUG kmalloc-64 (Not tainted): Right Redzone overwritten", .bug),
      ("kernel BUG at mm/slub.c:379!", .bug),
      ("Oops: 0002 [#1] PREEMPT SMP NOPTI", .oops),
      ("Oops: general protection fault, probably for non-canonical address 0x1: 0000 [#1] SMP", .oops),
      ("divide error: 0000 [#1] PREEMPT SMP NOPTI", .oops),
      ("general protection fault, probably for non-canonical address 0xdead000000000122: 0000 [#2]", .oops),
      ("Internal error: synchronous external abort: 0000000096000210 [#1] SMP", .oops),
      ("Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008", .oops),
      ("kmemleak: 3 new suspected memory leaks (see /sys/kernel/debug/kmemleak)", .leak),
      ("# add_test: EXPECTATION FAILED at lib/add_test.c:12", .kunit),
      ("# add_test: ASSERTION FAILED at lib/add_test.c:12", .kunit),
      ("not ok 4 add", .kunit),
      ("Kernel panic - not syncing: Fatal exception", .panic),
      ("kmemleak: unreferenced object 0xffff888004c3a000 (size 64):", .leak),
      ("unregister_netdevice: waiting for veth0 to become free. Usage count = 2", .leak),
      ("INFO: trying to register non-static key.", .lockdep),
      ("WARNING: cat/42 still has locks held!", .lockdep),
      ("INFO: task cat:42 can't die for more than 143 seconds.", .hungTask),
      (
        "WARNING: kernel stack regs at 00000000b51b2b02 in cat:42 has bad 'bp' value 0000000000000001",
        .warning
      ),
      ("WARNING: kernel stack frame pointer at ffff88003e1f7f40 in cat:42 has bad value (null)", .warning),
      ("WARNING: at fs/x.c:12 foo+0x1/0x2()", .warning),
      ("WARNING: [a > b] fs/x.c:12 at foo+0x1/0x2, CPU#1: cat/42", .warning),
      ("VFS: Close: file count is 0", .bug),
      ("VFS: Busy inodes after unmount of vda. Self-destruct in 5 seconds.  Have a nice day...", .bug),
      ("INFO: Freed in f+0x1/0x2 age=624 cpu=0 pid=3", .bug),
      ("CPU 1 Unable to handle kernel paging request at virtual address 00000000, epc == 8, ra == 8", .oops),
      ("Oops - undefined instruction: 0 [#1] SMP ARM", .oops),
    ]
  )
  func kinds(text: String, kind: KernelReport.Kind) {
    let stamps = [
      "", "[    1.234567] ", "[12345.678901][  T123] ", "[    1.234567][    C0] ", "~ # [    1.234567] ",
    ]
    for stamp in stamps {
      let reports = scan(["\(stamp)\(text)"]).reports
      #expect(reports.map(\.kind) == [kind], "\(stamp)")
      #expect(reports.map(\.title) == [text])
      #expect(reports.map(\.lines) == [["\(stamp)\(text)"]])
    }
  }

  @Test(
    "are not seen in what a kernel or a program says otherwise",
    arguments: [
      "[    0.000000] Linux version 6.1.0", "[    0.032000] tsc: Unable to calibrate against PIT",
      "[    0.000000] Kernel command line: console=ttyS0 panic=-1 BUG: oops=panic",
      "[    0.5] Warning: unable to open an initial console.", "[    1.0] provium: stage modules",
      "[    1.4] mydriver: DEBUG: probe ok", "[    1.4] debug: BUGS are bad",
      "this test checks that BUG: is printed", "WARNING: can't open config file: /etc/ssl/openssl.cnf",
      "[    1.2] traps: a.out[42] general protection fault ip:401126 sp:7ffd error:0 in a.out[401000+1000]",
      "[    1.2] a.out[42]: segfault at 0 ip 0000000000401126 sp 00007ffd error 4 in a.out",
      "[    0.1] NMI watchdog: Enabled. Permanently consumes one hw-PMU counter.",
      "[    0.1] rcu: Preemptible hierarchical RCU implementation.", "issue fixed [#12]",
      "[    0.2] kmemleak: Kernel memory leak detector initialized (mem pool available: 15679)",
      "========== BUG: a heading ==========", "[   12.3] INFO: lockdep is turned off.",
      "[    1.0] Internal error: no such option", "[    1.0] Oops: please try again",
      "[    1.0] WARNING: at least one file differs", "[    1.0] UBSAN: see the documentation",
      "[    1.0] general protection fault is what we test", "[    1.0] INFO: task cat:42 is being killed",
      "[    1.0] INFO: rcu_sched is fine", "[    1.0] usb 5-1: WARNING: this driver is incomplete",
      "[    1.0] unregister_netdevice: done", "[    1.0] CPU 1 is up",
    ]
  )
  func ordinary(line: String) { #expect(scan([line]).reports.isEmpty) }

  private static let oops = """
    BUG: kernel NULL pointer dereference, address: 0000000000000008
    #PF: supervisor write access in kernel mode
    Oops: 0002 [#1] PREEMPT SMP NOPTI
    CPU: 0 PID: 42 Comm: cat Not tainted 6.1.0
    RIP: 0010:my_fn+0x1/0x2
    Call Trace:
     <TASK>
     g+0x1/0x2
     </TASK>
    CR2: 0000000000000008
    ---[ end trace 0000000000000000 ]---
    """

  @Test(
    "hold what follows from them, and end with their own end",
    arguments: [
      (oops, 11), ("\(oops)\nRIP: 0010:my_fn+0x1/0x2\nKernel panic - not syncing: Fatal exception", 12),
      (
        """
        ------------[ cut here ]------------
        foo: a number is odd
        WARNING: CPU: 0 PID: 1 at a.c:1 f+0x0/0x1
        Call Trace:
         <TASK>
         g+0x1
         </TASK>
        irq event stamp: 0
        ---[ end trace 0000000000000000 ]---
        eth0: link up
        """, 9
      ),
      (
        """
        ==================================================================
        BUG: KASAN: slab-use-after-free in f+0x1/0x2
        Write of size 8 at addr ffff888004c3a000 by task cat/42
         <TASK>
         g+0x1
         </TASK>
        Allocated by task 41:
        ==================================================================
        Disabling lock debugging due to kernel taint
        """, 8
      ),
      (
        """
        ------------[ cut here ]------------
        kernel BUG at mm/slub.c:379!
        invalid opcode: 0000 [#1] PREEMPT SMP NOPTI
         <TASK>
         </TASK>
        Modules linked in:
        ---[ end trace 0000000000000000 ]---
        """, 7
      ),
      (
        """
        Unable to handle kernel paging request at virtual address dfff800000000001
        KASAN: null-ptr-deref in range [0x0000000000000008-0x000000000000000f]
        Mem abort info:
        Internal error: Oops: 0000000096000005 [#1] PREEMPT SMP
        ---[ end trace 0000000000000000 ]---
        Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b
        """, 6
      ),
      (
        """
        INFO: task cat:42 blocked for more than 120 seconds.
              Not tainted 6.1.0 #1
        Call Trace:
         <TASK>
         </TASK>
        eth0: link up
        """, 5
      ),
      (
        """
        WARNING: CPU: 0 PID: 1 at a.c:1 f+0x0/0x1
        ---[ end trace 0000000000000000 ]---
        Kernel panic - not syncing: kernel: panic_on_warn set ...
        """, 3
      ),
    ]
  )
  func extent(text: String, lines: Int) {
    let reports = scan(text.split(separator: "\n").map { "[    1.234567] \($0)" }).reports
    #expect(reports.map(\.lines.count) == [lines])
  }

  @Test("of neighbours stay apart") func neighbours() {
    #expect(titles("BUG: KASAN: meant x\nBUG: KASAN: other") == ["BUG: KASAN: meant x", "BUG: KASAN: other"])
    #expect(titles("Oops: 0002 [#1] SMP\nOops: 0002 [#2] SMP").count == 2)
    #expect(titles("BUG: scheduling while atomic: a/1/0x2\nOops: 0002 [#1] SMP").count == 2)
    #expect(titles("BUG: KASAN: x\nKernel panic - not syncing: sysrq triggered crash").count == 2)
    #expect(titles(Self.oops + "\n" + Self.oops).count == 2)
  }

  @Test("of KASAN keep the line of the allocator that old kernels print inside of them") func oldKASAN() {
    #expect(
      titles("BUG: KASAN: x in f+0x1/0x2 at addr 1\nBUG kmalloc-8 (Not tainted): kasan: bad access detected")
        .count == 1
    )
    #expect(titles("BUG kmalloc-8 (Not tainted): kasan: bad access detected").isEmpty)
  }

  @Test("are found where two processors print on one line, and where a task's name has a line end")
  func torn() {
    let twoStamps =
      "[    1.0] cat: vmalloc: failure[    1.1] BUG: unable to handle kernel paging request at 1"
    #expect(scan([twoStamps]).reports.map(\.title) == ["BUG: unable to handle kernel paging request at 1"])
    let torn = ["[    1.0] INFO: task a", "[    1.0] b:42 blocked for more than 143 seconds."]
    #expect(scan(torn).reports.map(\.lines) == [torn])
    #expect(scan(["[    1.0] INFO: task a", "[    1.0] eth0: up"]).reports.isEmpty)
    #expect(scan([torn[1]]).reports.isEmpty)
  }

  @Test("are not what a program writes into the kernel log, unless it has a report's exact shape")
  func writers() {
    func isReport(_ text: String) -> Bool {
      var scanner = KernelReportScanner()
      scanner.take("[    1.000000] \(text)", at: 0, isProgram: true)
      return !scanner.reports.isEmpty
    }
    for text in ["BUG: the daemon could not open its file", "BUG: 42", "daemon: BUG: KASAN: x"] {
      #expect(!isReport(text), "\(text)")
    }
    for text in [
      "BUG: KASAN: x in f", "BUG: sleeping function called from invalid context at x.c:1",
      "WARNING: CPU: 0 PID: 1 at x.c:1", "BUG: unable to handle page fault for address: 1",
    ] {
      #expect(isReport(text), "\(text)")
    }
  }

  @Test("hold no lines of programs, where the kernel stamps its own") func programs() {
    let scanner = scan(["[    1.0] BUG: KASAN: x", "line 1", "[    1.1] Call Trace:", "line 2"])
    #expect(scanner.reports.map(\.lines) == [["[    1.0] BUG: KASAN: x", "[    1.1] Call Trace:"]])
    #expect(scan(["BUG: KASAN: x", "Call Trace:"]).reports.map(\.lines.count) == [2])
  }

  @Test("continue after a pause, and end with a silence") func pauses() {
    let fault = "BUG: kernel NULL pointer dereference, address: 8", die = "Oops: 0002 [#1]"
    var scanner = scan([fault], at: 0)
    scanner.take(die, at: 200_000_000)
    #expect(scanner.reports.map(\.lines) == [[fault, die]])
    scanner.take("eth0: link up", at: 30_000_000_000)
    #expect(scanner.reports.map(\.lines) == [[fault, die]])

    var late = scan([fault], at: 0)
    late.take(die, at: 30_000_000_000)
    #expect(late.reports.map(\.title) == [fault, die])
  }

  @Test("that were acknowledged take their later lines along, and nothing else") func acknowledged() {
    var scanner = scan(["BUG: kernel NULL pointer dereference, address: 8"])
    scanner.acknowledge(Set(scanner.reports.map(\.id)))
    for line in ["Oops: 0002 [#1]", "RIP: 0010:my_fn+0x1/0x2"] { scanner.take(line, at: 0) }
    #expect(scanner.reports.isEmpty)
    scanner.take("BUG: KASAN: other", at: 0)
    #expect(scanner.reports.map(\.title) == ["BUG: KASAN: other"])
  }

  @Test("are kept in bounded memory, and those that are not are counted") func flood() {
    var scanner = KernelReportScanner()
    for number in 0..<1000 { scanner.take("BUG: KASAN: \(number)", at: 0) }
    #expect(scanner.reports.count + scanner.lost == 1000)
    for _ in 0..<500 { scanner.take(String(repeating: "x", count: 4000), at: 0) }
    #expect(scanner.reports.reduce(0) { $0 + $1.text.utf8.count } < 1 << 20)
    scanner.acknowledge(Set(scanner.reports.map(\.id)), lost: scanner.lost)
    #expect(scanner.reports.isEmpty && scanner.lost == 0)
    var long = scan(["WARNING: CPU: 0 PID: 1 at a.c:1 f+0x0/0x1"])
    for _ in 0..<500 { long.take(String(repeating: "x", count: 4000), at: 0) }
    #expect(long.reports.reduce(0) { $0 + $1.text.utf8.count } < 64 << 10)
  }
}
