import ProviumSystem

/// The host's control of a disk: contents, faults, log, power.
extension BlockDisk {
  package var statistics: DiskStatistics {
    state.withLock { state in
      var statistics = state.statistics
      statistics.failures = state.policy.failures
      statistics.overlay = state.contents.overlaySize
      return statistics
    }
  }

  /// Why a request failed by no fault that was asked for; nil: none did.
  package var problem: DiskProblem? { state.withLock { $0.problem } }

  /// Returns the problem, and forgets it.
  package func takeProblem() -> DiskProblem? {
    state.withLock { state in
      defer { state.problem = nil }
      return state.problem
    }
  }

  /// The faults. A change counts for the requests after it.
  package var policy: FaultPolicy {
    get { state.withLock { $0.policy } }
    set { state.withLock { $0.policy = newValue } }
  }

  package func changePolicy(_ body: (inout FaultPolicy) -> Void) { state.withLock { body(&$0.policy) } }

  /// Reads the contents; faults do not apply.
  /// - Parameter target: `cache`: as the guest sees them; `durable`: what a power cut would leave.
  package func read(at offset: Int, count: Int, from target: DiskContents.Target = .cache) throws -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: count)
    try state.withLock { state in
      try bytes.withUnsafeMutableBytes { try state.contents.read(at: offset, into: $0, from: target) }
    }
    return bytes
  }

  /// Changes the contents durably without the guest's knowledge; faults do not apply.
  package func write(at offset: Int, _ bytes: [UInt8]) throws {
    try state.withLock { state in try put(bytes, at: offset, &state) }
  }

  /// Damages sectors: each gets other bytes than it has, which depend on the disk's seed.
  /// - Parameters:
  ///   - sector: of 512 bytes, the first.
  ///   - count: sectors.
  package func corrupt(sector: Int, count: Int) throws {
    try state.withLock { state in
      var bytes = [UInt8](repeating: 0, count: count * 512)
      let offset = sector * 512
      try bytes.withUnsafeMutableBytes { try state.contents.read(at: offset, into: $0) }
      for index in bytes.indices { bytes[index] ^= UInt8.random(in: 1...255, using: &state.generator) }
      try put(bytes, at: offset, &state)
    }
  }

  private func put(_ bytes: [UInt8], at offset: Int, _ state: inout State) throws {
    let request = DiskRequest(.write, offset: offset, count: bytes.count, isDurable: true)
    try bytes.withUnsafeBytes { try change(request, $0, &state) }
  }

  // MARK: The log

  /// Writes a text into the log that is being recorded.
  package func mark(_ text: String) { state.withLock { $0.recording?.append(LogEntry(.mark(text))) } }

  /// Makes everything durable, and starts a log.
  /// - Returns: the contents that the log's entries change.
  package func beginRecording() throws -> DiskOrigin {
    try state.withLock { state in
      try makeDurable(&state)
      try state.contents.freeze(limit: properties.overlayLimit, folder: folder)
      state.recording = WriteLog(limit: properties.logLimit)
      var properties = properties
      properties.size = state.contents.size
      return DiskOrigin(properties: properties, base: state.contents.base, layers: state.contents.saved)
    }
  }

  /// Ends the log, and returns it; nil if none was begun.
  package func endRecording() -> WriteLog? {
    state.withLock { state in
      defer { state.recording = nil }
      return state.recording
    }
  }

  /// Replaces all contents above the base. The disk must not be in use: a guest that has it mounted would mix old contents
  /// with new ones.
  package func replaceContents(by layers: [Layer]) {
    state.withLock { state in
      state.contents.replace(saved: layers)
      state.statistics.unflushed = 0
    }
  }

  // MARK: Power

  /// Cuts the power: from now on no request is answered, and everything is gone that no flush has made durable.
  /// - Parameters:
  ///   - survival: the probability with which each change that is not durable survives; 0: all are lost.
  ///   - seed: chooses the survivors; nil: by the disk's own seed, differently at each cut.
  @discardableResult
  package func cutPower(survival: Double = 0, seed: UInt64? = nil) throws -> PowerCut {
    try state.withLock { state in
      if survival > 0, state.contents.cache.isCut {
        throw PowerCut.TooManyChanges(limit: properties.logLimit)
      }
      state.isOff = true
      state.statistics.unflushed = 0
      state.hostRequests = HostRequests()
      var generator = seed.map { SeededGenerator(seed: $0) } ?? state.generator
      defer {
        state.contents.dropCache()
        if seed == nil { state.generator = generator }
      }
      guard survival > 0 else { return PowerCut(lost: state.contents.cache.volatileCount) }
      return try keep(survival, &generator, &state)
    }
  }

  /// Makes a part of the cache's changes durable.
  private func keep(
    _ survival: Double,
    _ generator: inout SeededGenerator,
    _ state: inout State
  ) throws -> PowerCut {
    var cut = PowerCut()
    for change in state.contents.cache.changes {
      // An earlier change that survives must not undo a durable one.
      if change.isDurable {
        try state.contents.apply(state.contents.cache.entry(of: change), to: .durable)
        continue
      }
      guard Double.random(in: 0..<1, using: &generator) < survival else {
        cut.lost += 1
        continue
      }
      cut.kept += 1
      let entry = try state.contents.cache.entry(of: change)
      let sectors = entry.count / properties.sectorSize
      if state.policy.tearsWrites, sectors > 1, Bool.random(using: &generator) {
        cut.torn += 1
        let kept = Int.random(in: 1..<sectors, using: &generator)
        try state.contents.apply(entry.prefix(kept * properties.sectorSize), to: .durable)
      } else {
        try state.contents.apply(entry, to: .durable)
      }
    }
    return cut
  }

  /// Turns the power on again: requests are answered.
  package func restorePower() { state.withLock { $0.isOff = false } }

  // MARK: Requests of the host

  /// The next flush is the host's, not the guest's, and makes nothing durable: QEMU flushes all disks when it stops a VM. Of
  /// several flushes, the last one is the host's, because QEMU first waits for the guest's.
  package func expectHostFlush() { state.withLock { $0.hostRequests.flush = .expected } }

  /// All flushes are the host's, and make nothing durable: the guest is stopped.
  package func ignoreFlushes() { state.withLock { $0.hostRequests.flush = .ignored } }

  /// The next trim of the first sector alone is the host's, and changes nothing.
  package func expectHostTrim() { state.withLock { $0.hostRequests.isTrimExpected = true } }

  /// All requests are the guest's again.
  package func endHostRequests() { state.withLock { $0.hostRequests = HostRequests() } }

  package var hasUnflushed: Bool { state.withLock { $0.contents.hasUnflushed } }
}

extension LogEntry {
  /// The first `count` bytes of a change.
  func prefix(_ count: Int) -> LogEntry {
    var entry = self
    entry.count = count
    if case .write(let bytes) = kind { entry.kind = .write(Array(bytes.prefix(count))) }
    return entry
  }
}
