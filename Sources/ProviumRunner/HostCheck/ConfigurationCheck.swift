import ProviumRuntime

/// Names the configuration in use.
enum ConfigurationCheck {
  static func finding(_ configuration: Configuration) -> HostFinding {
    HostFinding(
      .good,
      "configuration",
      configuration.path ?? "no provium.toml; the built-in profile is used"
    )
  }
}
