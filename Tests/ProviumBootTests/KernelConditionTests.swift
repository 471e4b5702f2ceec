import ProviumArchitecture
import ProviumSystem
import Testing

@testable import ProviumBoot

@Suite("A condition on a kernel") struct KernelConditionTests {
  @Test(
    "compares as many numbers of the release as it has",
    arguments: [
      (">= 6.2", "6.2.0", true), (">= 6.2", "6.1.99", false), (">=6.2", "6.12.3-amd64", true),
      ("> 6.1", "6.1.192", false), ("> 6.1", "6.2", true), ("<= 6.1", "6.1.192", true),
      ("< 6.1", "6.1.0-56", false),
      ("6.1", "6.1.0-56-cloud-amd64", true), ("== 6.1.3", "6.1.0", false), ("~= 6.1", "6.12.0", true),
      (">= 5.10, < 6.2", "6.1.0", true), (">= 5.10, < 6.2", "6.2.0", false), (">= 6.2.1", "6.2", false),
      (">= 6.13", "6.13.0-rc2", true), ("6", "6.99.1", true),
    ]
  )
  func met(condition: String, release: String, expected: Bool) throws {
    let condition = try #require(KernelCondition(condition))
    #expect(condition.isMet(by: try #require(KernelRelease(release))) == expected)
  }

  @Test(
    "that makes no sense is refused",
    arguments: ["", "new", ">= ", ">= 6.", "6.1-rc2", ">> 6", ">= 6.1,", "v6"]
  )
  func nonsense(text: String) { #expect(KernelCondition(text) == nil) }

  @Test("reads the options of a .config, with or without their prefix") func options() {
    let configuration = KernelConfiguration(
      "# Linux\nCONFIG_NET=y\nCONFIG_VETH=m\n# CONFIG_KASAN is not set\nCONFIG_HZ=250\nCONFIG_NAME=\"a=b\"\nCONFIG_E=\"\"\n"
    )
    #expect(
      configuration["NET"] == "y" && configuration["CONFIG_VETH"] == "m" && configuration["HZ"] == "250"
    )
    #expect(configuration["KASAN"] == nil && configuration["NAME"] == "a=b" && configuration["E"] == "")
  }
}
