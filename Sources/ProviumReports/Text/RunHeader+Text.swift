import ProviumEvents

extension RunHeader {
  /// `kvm`; `kvm: aarch64 guests are emulated`; `tcg: /dev/kvm does not run guest code`.
  var acceleratorText: String {
    acceleratorReason.isEmpty ? accelerator : "\(accelerator): \(acceleratorReason)"
  }
}
