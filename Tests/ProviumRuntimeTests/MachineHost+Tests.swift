import ProviumRuntime
import ProviumVM

extension MachineHost {
  /// A host for VMs on this machine, as `provium test` chooses it.
  static func ofThisMachine(_ run: RunDirectory) -> MachineHost {
    let cache = Settings.defaultCache
    return MachineHost(
      cache: cache,
      accelerator: AcceleratorProbe.verdict(cache: cache),
      channel: ChannelVerdict.choose(),
      run: run
    )
  }
}
