import Glibc
import ProviumSystem

/// What was measured of one QEMU in this boot of the host. A host's load and clock change, so it is measured again now and
/// then, and the median of the last measurements counts; a failure is remembered for a moment, for one that hangs costs
/// seconds.
///
///     BOOT PATH VERSION
///     SECONDS VALUE        a measurement, up to five of them; seconds of the monotonic clock
///     SECONDS failed WHY   the last line, where the last attempt failed
struct EmulationRecord {
  private static let kept = 5
  private static let lifetime = 3600.0
  private static let failureLifetime = 60.0

  private let path: String
  private let key: String
  private var measurements: [(time: Double, value: Double)] = []
  private(set) var failure: String?
  private var failureTime = 0.0

  init(_ qemu: QEMUBinary, cache: String) {
    path = "\(cache)/emulation-cost-\(qemu.architecture)"
    key = "\(HostFacts.bootID) \(qemu.path) \(qemu.version)"
    let lines = ((try? Files.readText(path)) ?? "").split(separator: "\n")
    guard lines.first == key[...] else { return }
    for line in lines.dropFirst() {
      let words = line.split(separator: " ", maxSplits: 2)
      guard words.count >= 2, let time = Double(words[0]) else { continue }
      if words[1] == "failed" {
        failure = words.count == 3 ? String(words[2]) : "it failed"
        failureTime = time
      } else if let value = Double(words[1]), value >= 1, value.isFinite {
        measurements.append((time, value))
      }
    }
  }

  /// Seconds since the host's boot.
  private static var now: Double { Double(Deadline.now) / 1e9 }

  /// Nothing is known, or what is known is old.
  func isDue(at now: Double = EmulationRecord.now) -> Bool {
    if failure != nil { return now - failureTime > Self.failureLifetime }
    guard let last = measurements.last else { return true }
    return now - last.time > Self.lifetime
  }

  /// The median; nil when the last attempt failed, or there was none.
  var slowdown: Double? {
    guard failure == nil, !measurements.isEmpty else { return nil }
    return measurements.map(\.value).sorted()[measurements.count / 2]
  }

  mutating func note(_ value: Double, at now: Double = EmulationRecord.now) {
    failure = nil
    measurements = measurements.suffix(Self.kept - 1) + [(now, value)]
  }

  mutating func note(failure text: String, at now: Double = EmulationRecord.now) {
    failure = text.split(separator: "\n").joined(separator: "; ")
    failureTime = now
  }

  /// A cache that cannot be written to only means another measurement.
  func write() {
    let lines =
      measurements.map { "\($0.time) \($0.value)" } + (failure.map { ["\(failureTime) failed \($0)"] } ?? [])
    try? Files.replace(path, with: Array(([key] + lines).map { "\($0)\n" }.joined().utf8))
  }
}
