/// The state of a VM handle, as `vm:state()` returns it.
package enum MachineState: String, Sendable {
  case created, booted, paused, shutdown, dead
}
