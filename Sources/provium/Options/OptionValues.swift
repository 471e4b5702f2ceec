import ArgumentParser
import ProviumReports
import ProviumRunner
import ProviumRuntime
import ProviumScripts
import ProviumSystem

/// An amount of memory, such as `4G`. Never zero.
struct ByteCount: ExpressibleByArgument {
  let bytes: UInt64
  init?(argument: String) {
    guard let bytes = Quantity.bytes(argument), bytes > 0 else { return nil }
    self.bytes = bytes
  }
}

/// A duration, such as `5m`. Never zero.
struct TimeSpan: ExpressibleByArgument {
  let duration: Duration
  init?(argument: String) {
    guard let duration = Quantity.duration(argument), duration > .zero else { return nil }
    self.duration = duration
  }
}

/// A factor for time limits, from 0.1 to 1000.
struct TimeoutFactor: ExpressibleByArgument {
  let factor: Double
  init?(argument: String) {
    guard let factor = EngineOptions.timeoutMultiplier(argument) else { return nil }
    self.factor = factor
  }
}

extension Shard: ExpressibleByArgument {
  /// Reads `2/5`.
  public init?(argument: String) { self.init(argument) }
}
extension EngineOptions.AcceleratorChoice: ExpressibleByArgument {}
extension EngineOptions.ChannelChoice: ExpressibleByArgument {}
extension ColorChoice: ExpressibleByArgument {}
