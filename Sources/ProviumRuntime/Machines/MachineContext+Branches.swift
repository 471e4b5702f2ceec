extension MachineContext {
  /// Runs `body`, which waits for a guest. Other branches of the scope run meanwhile, so `body` must touch nothing that
  /// belongs to the scope; see `inTurn`. Without branches, only runs `body`.
  /// - Parameter queue: that of the VM that `body` uses: another branch that uses the VM, too, waits.
  func waiting<Value>(for queue: BranchQueue, _ body: () throws -> Value) throws -> Value {
    guard let branches else { return try body() }
    let place = branches.newPlace()
    queue.append(place)
    defer {
      queue.remove(place)
      branches.noteChange()
    }
    while queue.places.first != place {
      guard !branches.haveEnded else { throw ProviumError(.interrupted, "another branch has failed") }
      let seen = branches.changes
      withoutTurn(branches) { branches.waitForChange(after: seen) }
    }
    return try withoutTurn(branches, body)
  }

  /// Runs `body`, which waits for something other than a VM, while other branches of the scope run.
  package func waiting<Value>(_ body: () throws -> Value) rethrows -> Value {
    guard let branches else { return try body() }
    return try withoutTurn(branches, body)
  }

  private func withoutTurn<Value>(_ branches: Branches, _ body: () throws -> Value) rethrows -> Value {
    let comeBack = leaveBranch()
    branches.giveTurn()
    defer {
      branches.takeTurn()
      comeBack()
    }
    return try body()
  }

  /// Runs a part of the body of `waiting` that touches what belongs to the scope. It must not run scripts.
  package func inTurn<Value>(_ body: () throws -> Value) rethrows -> Value {
    guard let branches else { return try body() }
    branches.takeTurn()
    defer { branches.giveTurn() }
    return try body()
  }
}
