import ProviumSystem

/// A lab of a test that is written in Swift: VMs that share a scope, each of which is used by a thread of its own. Thread-safe.
package struct NativeLab: Sendable {
  package let members: [Member]
  package let networks: [VirtualNetwork]
  fileprivate let branches: Branches

  /// One VM of a lab.
  ///
  /// Sendable although it holds the VM: a thread touches the VM only while it has the turn of the scope.
  package final class Member: @unchecked Sendable {
    package let hostName: String
    package let interfaces: [NativeMachine.Interface]
    private let machine: NativeMachine
    private let branches: Branches
    private let isReleased = Monitor(false)

    fileprivate init(_ machine: NativeMachine, hostName: String, _ branches: Branches) {
      self.machine = machine
      self.hostName = hostName
      self.branches = branches
      interfaces = machine.interfaces
    }

    /// Runs `job` with the VM. Blocks while the thread of another member runs a job that does not wait for its guest.
    package func perform(_ job: (NativeMachine) -> Void) {
      branches.takeTurn()
      defer { branches.giveTurn() }
      job(machine)
    }

    /// Says that no thread uses the VM any more. Idempotent.
    package func release() { isReleased.update { $0 = true } }

    fileprivate func waitForRelease() { _ = isReleased.wait(until: .never) { $0 ? true : nil } }
  }

  fileprivate init(_ lab: Lab, of owner: NativeMachine) {
    let branches = Branches()
    self.branches = branches
    members = lab.machines.map { name, machine in
      Member(NativeMachine(machine, of: owner), hostName: name, branches)
    }
    networks = lab.networks
  }

  fileprivate func waitForRelease() { for member in members { member.waitForRelease() } }
}

extension NativeMachine {
  /// Resumes the VMs and networks of a lab in this machine's scope, which has no VM of its own. From then on the scope belongs to
  /// the threads of the lab's VMs; `end` and `keep` wait until each of them has called `release`.
  /// - Throws: as `FixtureService.resumeLab`.
  package func resume(lab name: String) throws -> NativeLab {
    do {
      let lab = NativeLab(try fixtures.resumeLab(name, in: scope), of: self)
      let context = scope.context
      context.begin(lab.branches)
      takeBack = {
        lab.waitForRelease()
        context.endBranches()
      }
      return lab
    } catch { throw blamingKernel(error) }
  }
}
