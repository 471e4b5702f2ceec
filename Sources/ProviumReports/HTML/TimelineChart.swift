import ProviumEvents

/// The timeline as SVG: files in lanes, their VMs below them, their waits over them, and the pool's memory.
/// Horizontal positions are percentages: the chart fits every width, and text is never stretched. Pure.
struct TimelineChart {
  private static let fileHeight = 20
  private static let machineHeight = 5
  private static let poolHeight = 48
  /// Above this number of runs, the tab key skips the bars and goes to the list of results.
  private static let mostStops = 40

  let text: String
  private let layout: TimelineLayout

  init(of record: RunRecord) {
    layout = TimelineLayout(record)
    guard !record.runs.isEmpty else {
      text = ""
      return
    }
    let anchors = Self.anchors(record)
    var y = 22
    var bars = ""
    for lane in layout.lanes {
      for bar in lane.bars {
        bars += Self.bar(
          bar,
          y: y,
          layout.duration,
          anchor: anchors[bar.run.key],
          isStop: record.runs.count <= Self.mostStops
        )
      }
      y += Self.fileHeight + lane.machineRows * (Self.machineHeight + 1) + 6
    }
    let curve = PoolCurve(record)
    let pool = Self.pool(curve, y: y + 18, layout.duration)
    // Text in SVG does not wrap on a narrow screen: the number of waiting files is in the legend.
    let queue =
      curve.mostWaiting > 0
      ? " <span class=\"key queue\"></span>files waiting, at most \(curve.mostWaiting)" : ""
    let height = y + (pool.isEmpty ? 4 : Self.poolHeight + 24)
    text = """
      <details class="timeline" open><summary><h2>Timeline</h2></summary>
      <div class="chart"><svg width="100%" height="\(height)" role="group" aria-label="Timeline of files and VMs">
      <defs><pattern id="hatch" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">\
      <line x1="0" y1="0" x2="0" y2="6" class="hatch"/></pattern></defs>
      \(Self.axis(layout.duration, height: height))
      \(bars)\(pool)</svg></div>
      <p class="legend"><span class="key passed"></span>passed <span class="key failed"></span>failed \
      <span class="key skipped"></span>skipped, todo or helper <span class="key booting"></span>VM starting \
      <span class="key machine"></span>VM <span class="key wait"></span>waiting for the pool\(queue)</p>
      </details>
      """
  }

  /// The place in the list of results of each run that is listed.
  private static func anchors(_ record: RunRecord) -> [String: Int] {
    var anchors: [String: Int] = [:]
    for (number, run) in record.finalRuns.enumerated() { anchors[run.key] = number }
    return anchors
  }

  // MARK: Pieces

  private static func percent(_ time: Double, of duration: Double) -> String {
    Amount.decimal(100 * min(max(time / duration, 0), 1), digits: 3) + "%"
  }

  private static func axis(_ duration: Double, height: Int) -> String {
    let rough = duration / 8
    let steps = [
      0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600, 7200, 14400, 43200,
      86400,
    ]
    let step = steps.first { $0 >= rough } ?? 86400 * (rough / 86400).rounded(.up)
    var text = ""
    var time = 0.0
    while time <= duration {
      let x = percent(time, of: duration)
      // A label near the right edge would be cut.
      let anchor = time / duration > 0.95 ? " text-anchor=\"end\"" : ""
      text += "<line class=\"grid\" x1=\"\(x)\" x2=\"\(x)\" y1=\"14\" y2=\"\(height)\"/>"
      text +=
        "<text class=\"tick\" x=\"\(x)\" y=\"10\"\(anchor)>\(time == 0 ? "0" : Amount.text(seconds: time))</text>"
      time += step
    }
    return text
  }

  private static func bar(_ bar: TimelineLayout.Bar, y: Int, _ duration: Double, anchor: Int?, isStop: Bool)
    -> String
  {
    let style = bar.run.style
    let x = percent(bar.start, of: duration)
    let width = percent(bar.end - bar.start, of: duration)
    let name = MarkupText.html(bar.run.title)
    var label = "\(name): \(style), \(Amount.text(seconds: bar.end - bar.start))"
    if bar.run.isSuperseded { label += ", run again" }
    var text = "<svg x=\"\(x)\" y=\"\(y)\" width=\"\(width)\" height=\"\(fileHeight)\" class=\"slot\">"
    text += "<title>\(label)</title><rect class=\"bar \(style)\" width=\"100%\" height=\"100%\" rx=\"3\"/>"
    text += "</svg>"
    for wait in bar.waits where (wait.end - wait.start) / duration > 0.002 {
      text += "<rect class=\"wait\" x=\"\(percent(wait.start, of: duration))\" y=\"\(y)\" "
      text += "width=\"\(percent(wait.end - wait.start, of: duration))\" height=\"\(fileHeight)\">"
      text +=
        "<title>\(name) waited \(Amount.text(seconds: wait.end - wait.start)) for the pool</title></rect>"
    }
    // A bar of a few pixels has no room for a name. The name is drawn over the waits and clipped to the bar.
    if (bar.end - bar.start) / duration > 0.04 {
      text += "<svg x=\"\(x)\" y=\"\(y)\" width=\"\(width)\" height=\"\(fileHeight)\" class=\"slot name\">"
      text += "<text class=\"label\" x=\"5\" y=\"14\">\(name)</text></svg>"
    }
    for (machine, row) in bar.machines {
      text += self.machine(
        machine,
        end: machine.ended ?? bar.end,
        y: y + fileHeight + 1 + row * (machineHeight + 1),
        duration
      )
    }
    guard let anchor else { return text + "\n" }
    return "<a href=\"#f\(anchor)\" aria-label=\"\(label)\"\(isStop ? "" : " tabindex=\"-1\"")>\(text)</a>\n"
  }

  private static func machine(_ machine: MachineRun, end: Double, y: Int, _ duration: Double) -> String {
    let description = machine.description
    let ready = machine.readyAfter.map { min(machine.started + $0, end) } ?? end
    var label =
      "VM \(description.id), \(MarkupText.html(description.profile)), \(MarkupText.html(description.origin))"
    label += ", \(Amount.text(bytes: description.memory)), \(Amount.count(description.cpus, "processor"))"
    label += machine.readyAfter.map { ", ready after \(Amount.text(seconds: $0))" } ?? ", never ready"
    if !machine.reason.isEmpty { label += ", ended: \(MarkupText.html(machine.reason))" }
    func piece(_ style: String, _ from: Double, _ to: Double) -> String {
      guard to > from else { return "" }
      return "<rect class=\"\(style)\" x=\"\(percent(from, of: duration))\" y=\"\(y)\" "
        + "width=\"\(percent(to - from, of: duration))\" height=\"\(machineHeight)\"/>"
    }
    return
      "<g><title>\(label)</title>\(piece("booting", machine.started, ready))\(piece("machine", ready, end))</g>"
  }

  private static func pool(_ curve: PoolCurve, y: Int, _ duration: Double) -> String {
    guard curve.peak > 0 else { return "" }
    func points(_ height: (PoolCurve.Step) -> Double) -> String {
      var points = "0,100"
      var last = 100.0
      for step in curve.steps {
        let x = Amount.decimal(1000 * min(step.time / duration, 1), digits: 1)
        let y = 100 - 100 * height(step)
        points += " \(x),\(Amount.decimal(last, digits: 1)) \(x),\(Amount.decimal(y, digits: 1))"
        last = y
      }
      return points + " 1000,\(Amount.decimal(last, digits: 1)) 1000,100"
    }
    var text =
      "<text class=\"tick\" x=\"0\" y=\"\(y - 5)\">memory granted, at most \(Amount.text(bytes: curve.peak))"
    text += "</text><svg x=\"0\" y=\"\(y)\" width=\"100%\" height=\"\(poolHeight)\" viewBox=\"0 0 1000 100\" "
    text += "preserveAspectRatio=\"none\"><title>The resource pool over time</title>"
    text += "<polygon class=\"pool\" points=\"\(points { Double($0.memory) / Double(curve.peak) })\"/>"
    if curve.mostWaiting > 0 {
      text +=
        "<polyline class=\"queue\" points=\"\(points { Double($0.waiting) / Double(curve.mostWaiting) })\"/>"
    }
    return text + "</svg>"
  }
}

extension FileRun {
  /// Unique in the record.
  fileprivate var key: String { "\(round) \(attempt) \(file)" }

  fileprivate var style: String {
    guard let result else { return "failed" }
    return result.hasFailed ? "failed" : result.isHelper ? "helper" : result.outcome.name
  }
}
