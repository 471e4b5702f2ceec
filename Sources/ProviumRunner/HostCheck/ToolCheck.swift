import ProviumSystem

/// Checks for the programs that unpack kernels and modules.
enum ToolCheck {
  static func finding() -> HostFinding {
    let missing = ["xz", "zstd", "lz4", "gzip"].filter { ToolRun.find($0) == nil }
    guard !missing.isEmpty else { return HostFinding(.good, "tools", "xz, zstd, lz4, gzip") }
    return HostFinding(
      .limited,
      "tools",
      "\(missing.joined(separator: ", ")) missing: some kernels and modules cannot be unpacked",
      remedy: "apt-get install xz-utils zstd lz4 gzip"
    )
  }
}
