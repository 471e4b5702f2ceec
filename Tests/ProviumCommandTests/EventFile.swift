import Foundation
import ProviumSystem
import Testing

/// The events of a run that wrote `--json FILE`.
struct EventFile {
  let events: [[String: Any]]

  init(_ path: String) throws {
    events = try Files.readText(path).split(separator: "\n").map { line in
      try #require(try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
    }
  }

  /// `outer / inner: outcome` of each sub-test of the run that wrote `events.json` in the project, sorted.
  static func outcomes(_ project: Project) throws -> [String] {
    try EventFile("\(project.path)/events.json").named("file_ended").flatMap { event in
      (event["tests"] as? [[String: Any]] ?? []).map { test in
        "\((test["path"] as? [String] ?? []).joined(separator: " / ")): \(test["outcome"] ?? "")"
      }
    }
    .sorted()
  }

  func named(_ name: String) -> [[String: Any]] { events.filter { $0["event"] as? String == name } }
  func count(_ name: String, file: String? = nil) -> Int {
    named(name).count { file == nil || $0["file"] as? String == file }
  }
}

/// Follows what the pool gave out, event by event.
struct PoolReplay {
  struct Claim {
    let file: String
    var memory: UInt64
    let cpus: Int
  }
  private(set) var claims: [Int: Claim] = [:]
  /// The most that was out when something was granted: growth alone may lead beyond a budget.
  private(set) var peak: (memory: UInt64, cpus: Int) = (0, 0)
  private(set) var warmVMs = 0
  private(set) var growths = 0

  mutating func add(_ event: [String: Any]) throws {
    func number() throws -> Int { try #require(event["claim"] as? Int) }
    func memory() throws -> UInt64 { try #require(event["memory"] as? NSNumber).uint64Value }
    switch event["event"] as? String {
    case "pool_granted":
      let file = try #require(event["file"] as? String)
      let claim = Claim(file: file, memory: try memory(), cpus: try #require(event["cpus"] as? Int))
      #expect(claims.updateValue(claim, forKey: try number()) == nil, "a reservation was granted twice")
      if file.isEmpty { warmVMs += 1 }
      peak.memory = max(peak.memory, claims.values.reduce(0) { $0 + $1.memory })
      peak.cpus = max(peak.cpus, claims.values.reduce(0) { $0 + $1.cpus })
    case "pool_grown":
      let before = try #require(claims[try number()], "a reservation grew that is not held")
      #expect(try memory() > before.memory)
      claims[try number()]?.memory = try memory()
      growths += 1
    case "pool_released": #expect(claims.removeValue(forKey: try number()) != nil)
    default: break
    }
  }
}
