extension Duration {
  /// The duration in seconds, with fraction.
  package var inSeconds: Double {
    Double(components.seconds) + Double(components.attoseconds) / 1e18
  }

  /// The duration in whole nanoseconds; 0 for a negative one, the largest number for one that does not fit.
  package var inNanoseconds: UInt64 {
    guard self > .zero else { return 0 }
    let (product, overflow) = UInt64(components.seconds).multipliedReportingOverflow(by: 1_000_000_000)
    let (sum, carry) = product.addingReportingOverflow(UInt64(components.attoseconds / 1_000_000_000))
    return overflow || carry ? .max : sum
  }
}
