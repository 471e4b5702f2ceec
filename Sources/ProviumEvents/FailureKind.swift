/// Why a test did not pass. Three families: the code under test is wrong (`assertion`, `kernelReport`), the
/// script is (`error`), or nothing was learned about the code under test (`infrastructure`, the only kind
/// that is ever retried).
///
/// Raw values are those of event files and reports (`Docs/Events.md`).
package enum FailureKind: String, Sendable, Codable, Hashable {
  /// An assertion did not hold.
  case assertion
  /// The script raised an error: a Lua error, or a misuse of Provium's functions.
  case error
  /// QEMU, the host, the guest's agent or Provium failed.
  case infrastructure = "harness"
  /// The script, a sub-test or an operation reached its time limit.
  case timeout
  /// The kernel printed a report (oops, KASAN, WARNING …) that the test did not expect, or panicked.
  case kernelReport = "splat"
  /// A sub-test inside this one failed; this one has no failure of its own.
  case inner
}
