import ProviumArchitecture
import ProviumBoot

/// Checks that the kernel of the built-in profile can be had. Downloads it if the cache lacks it.
enum KernelCheck {
  static func finding(cache: String) -> HostFinding {
    do {
      let found = try DistributionKernel.prepare(cache: cache, architecture: .host)
      return HostFinding(.good, "default kernel", "\(found.origin), in \(cache)")
    } catch {
      return HostFinding(
        .bad,
        "default kernel",
        "\(error)",
        remedy: "name a kernel under [profile.NAME] in provium.toml"
      )
    }
  }
}
