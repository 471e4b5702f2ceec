import ArgumentParser
import ProviumReports
import ProviumRuntime
import ProviumSystem

/// `4G` on the command line; more than nothing.
struct ByteCount: ExpressibleByArgument {
  let bytes: UInt64
  init?(argument: String) {
    guard let bytes = Quantity.bytes(argument), bytes > 0 else { return nil }
    self.bytes = bytes
  }
}

/// `5m` on the command line; more than nothing.
struct TimeSpan: ExpressibleByArgument {
  let duration: Duration
  init?(argument: String) {
    guard let duration = Quantity.duration(argument), duration > .zero else { return nil }
    self.duration = duration
  }
}

extension Shard: ExpressibleByArgument {
  /// As on the command line: `2/5`.
  public init?(argument: String) { self.init(argument) }
}
extension EngineOptions.AcceleratorChoice: ExpressibleByArgument {}
extension EngineOptions.ChannelChoice: ExpressibleByArgument {}
extension ColorChoice: ExpressibleByArgument {}
