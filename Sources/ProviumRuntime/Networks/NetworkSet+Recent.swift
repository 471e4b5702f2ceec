import Glibc
import ProviumEvents
import ProviumSystem
import Synchronization

/// The last frames of networks, for failed tests.
extension NetworkSet {
  private static let written = Atomic<Int>(0)

  /// Writes the last frames of each network into the run's folder, since a test failed.
  /// - Returns: what reports say about it; nil where no network has carried a frame.
  func keepRecentFrames(in run: String) -> FailureFacts? {
    var lines: [String] = []
    for network in all {
      let number = Self.written.add(1, ordering: .relaxed).newValue
      let path = MachineFiles.capture(of: network.name, number: number, in: run)
      do {
        try Files.createDirectories(Files.parent(of: path), mode: 0o700)
        let count = try network.writeRecentFrames(to: path)
        if count > 0 { lines.append("\(network.name): the last \(count) frames are in \(path)") }
      } catch { lines.append("\(network.name): its last frames could not be written: \(error)") }
    }
    return lines.isEmpty ? nil : FailureFacts(title: "networks", lines: lines)
  }
}

extension VirtualNetwork {
  /// Writes the last frames into a pcapng file. There is no file where there was no frame.
  /// - Returns: the number of frames.
  func writeRecentFrames(to path: String) throws -> Int {
    let file = try Descriptor.open(path, O_WRONLY | O_CREAT | O_TRUNC)
    do {
      let count = try network.writeRecent(to: file)
      if count == 0 { try Files.removeTree(path) }
      return count
    } catch {
      try? Files.removeTree(path)
      throw error
    }
  }
}
