import ProviumAgentClient
import ProviumSystem

/// The source lines in the VM's kernel reports.
extension Machine {
  /// The longest time that the guest's build IDs may take, before the timeout multiplier.
  private static let buildIDLimit = Duration.seconds(1)
  private static let longestNotes = 64 << 10

  /// Adds source lines where debug information of the kernel is at hand.
  func decode(_ findings: inout KernelReportFindings) {
    withDecoder(for: findings.kernelRelease) { findings.decode(with: &$0) }
  }

  /// Returns lines of the console with the source lines of the call traces among them.
  func decoded(_ lines: [String]) -> [String] {
    guard lines.contains(where: { !TraceFrame.occurrences(in: $0).isEmpty }) else { return lines }
    return withDecoder(for: TraceFrame.kernelRelease(in: lines)) { $0.decode(lines) }
  }

  /// - Parameter release: what the trace itself says.
  private func withDecoder<Result>(for release: String?, _ body: (inout ReportDecoder) -> Result) -> Result {
    let release = release ?? virtualMachine?.image.release ?? bootImage?.release ?? ""
    let boot = bootConfiguration?.boot
    var modules = [boot?.modules, profile.modules].compactMap { $0 }
    for case .hostFile(let path) in boot?.files.map(\.contents) ?? [] { modules.append(path) }
    let project = context.services.configuration
    let folders = DebugFolders(
      release: release,
      kernel: profile.kernel ?? project.kernel,
      modules: modules.map { Files.resolve($0, against: project.root) },
      project: project.root,
      cache: project.settings.cache
    )
    var decoder = ReportDecoder(folders, buildIDs)
    let result = body(&decoder)
    for remark in decoder.remarks { context.services.warnOnce(remark, file: context.name) }
    return result
  }

  /// The build IDs that the guest itself tells, while its agent answers. A dead guest has only that of its kernel's file.
  private var buildIDs: ReportDecoder.BuildIDs {
    guard let virtualMachine else {
      return ReportDecoder.BuildIDs(kernel: bootImage.flatMap { BuildID.read($0.kernel) })
    }
    let connection = virtualMachine.connection
    let deadline = Deadline.after(Self.buildIDLimit * timeoutMultiplier)
    let isAlive = state == .booted && !isHalted && virtualMachine.causeOfDeath == nil
    func read(_ path: String) -> String? {
      guard isAlive, connection.isUsable, !deadline.isExpired else { return nil }
      return operations.unrecorded {
        (try? connection.readFile(ByteString(path), limit: Self.longestNotes, until: deadline)).flatMap {
          BuildID.inNotes($0)
        }
      }
    }
    return ReportDecoder.BuildIDs(
      kernel: read("/sys/kernel/notes") ?? BuildID.read(virtualMachine.image.kernel),
      module: { read("/sys/module/\($0)/notes/.note.gnu.build-id") }
    )
  }
}
