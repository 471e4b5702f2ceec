/// A way to set up the VM of a fixture.
package protocol FixtureRecipe: Sendable {
  var name: String { get }

  /// Sets the VM up. Blocks. The VM that is returned is saved, all others of the scope are ended.
  func prepare(in scope: MachineScope) throws -> PreparedFixture
}

/// The VM of a fixture, ready to be saved.
package struct PreparedFixture {
  /// A booted VM of the scope.
  package let machine: Machine
  /// What the recipe used beside the VMs: the builder adds what went into those.
  package let inputs: [FixtureInput]

  package init(machine: Machine, inputs: [FixtureInput]) {
    self.machine = machine
    self.inputs = inputs
  }
}
