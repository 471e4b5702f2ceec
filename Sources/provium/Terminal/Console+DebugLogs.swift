import ProviumRuntime

extension Console {
  /// Says where the debug logs of VMs are written; nothing if they are off.
  static func announceDebugLogs(of engine: Engine) {
    guard engine.options.logLevel != .off else { return }
    error("provium: the debug log of VM N is \(engine.run.path)/consoles/vmN-debug.log")
  }
}
