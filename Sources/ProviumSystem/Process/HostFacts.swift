internal import CLinux
import Glibc

/// Facts about this host, read again at each call.
package enum HostFacts {
  /// Processors this process may use: its affinity, or the limit of its control groups, rounded up.
  package static var processors: Int {
    let affinity = max(1, Int(clinux_processors()))
    guard let limit = ControlGroup.own.processorLimit, limit < Double(affinity) else { return affinity }
    return max(1, Int(limit.rounded(.up)))
  }

  /// Bytes of memory that this process may use in total and that are free: `MemTotal` and `MemAvailable` of
  /// /proc/meminfo, or the limits of its control groups where those are lower. nil where the host does not
  /// say.
  package static var memory: (total: UInt64, available: UInt64)? {
    guard let text = try? Files.readText("/proc/meminfo"), let total = size("MemTotal:", in: text),
      let available = size("MemAvailable:", in: text)
    else { return nil }
    guard let group = ControlGroup.own.memoryLimits else { return (total, available) }
    return (min(total, group.total), min(available, group.available))
  }

  /// The kernel's pressure figures (Documentation/accounting/psi.rst).
  package static var pressure: HostPressure {
    HostPressure(
      memory: pressure("memory", "some"),
      cpu: pressure("cpu", "some"),
      io: pressure("io", "full")
    )
  }

  private static func pressure(_ resource: String, _ kind: String) -> Double {
    guard let text = try? Files.readText("/proc/pressure/\(resource)"),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix(kind + " ") }),
      let field = line.split(separator: " ").first(where: { $0.hasPrefix("avg10=") })
    else { return 0 }
    return Double(field.dropFirst(6)) ?? 0
  }

  /// `model name` of /proc/cpuinfo; empty where the file has none.
  package static var processorModel: String {
    guard let text = try? Files.readText("/proc/cpuinfo"),
      let line = text.split(separator: "\n").first(where: { $0.hasPrefix("model name") }),
      let colon = line.firstIndex(of: ":")
    else { return "" }
    return String(line[line.index(after: colon)...]).trimmed
  }

  /// Changes with every boot of the host. Measurements of an earlier boot are not used.
  package static var bootID: String {
    (try? Files.readText("/proc/sys/kernel/random/boot_id"))?.trimmed ?? "unknown"
  }

  /// The machine name of `uname(2)`: `x86_64`, `aarch64`.
  package static var machine: String {
    var name = utsname()
    uname(&name)
    return withUnsafeBytes(of: &name.machine) { bytes in
      String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
    }
  }

  /// Bytes of a line of /proc/meminfo, which has kibibytes.
  private static func size(_ key: String, in text: String) -> UInt64? {
    for line in text.split(separator: "\n") where line.hasPrefix(key) {
      return line.split(separator: " ").dropFirst().first.flatMap { UInt64($0) }.map { $0 << 10 }
    }
    return nil
  }
}
