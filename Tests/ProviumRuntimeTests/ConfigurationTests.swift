import ProviumSystem
import Testing

@testable import ProviumRuntime

@Suite("provium.toml") struct ConfigurationTests {
  fileprivate func parse(_ text: String) throws -> Configuration {
    try ConfigurationFile.parse(text, path: "/project/provium.toml")
  }

  fileprivate func complaint(_ text: String) -> String {
    do {
      _ = try parse(text)
      return "accepted"
    } catch { return "\(error)" }
  }

  @Test("provium.toml gives settings and profiles, with paths relative to its folder") func whole() throws {
    let configuration = try parse(
      """
      [provium]
      tests = ["tests", "/elsewhere"]
      cache_max = "5G"
      timeout = "2m"
      boot_timeout = "90s"
      op_timeout = 1.5
      timeout_multiplier = 2.5
      [profile.minimal]
      kernel = "../kernel/bzImage"
      initrd = "rootfs.cpio.gz"
      append = "loglevel=7"
      [profiles.disk]
      kernel = "/boot/vmlinuz"
      rootfs = "disk.img"
      init = "/sbin/init"
      """
    )
    #expect(configuration.settings.tests == ["/project/tests", "/elsewhere"])
    #expect(configuration.settings.cacheMaximum == 5 << 30)
    #expect(configuration.settings.timeout == .seconds(120))
    #expect(configuration.settings.timeoutMultiplier == 2.5)
    #expect(configuration.settings.bootTimeout == .seconds(90))
    #expect(configuration.settings.operationTimeout == .milliseconds(1500))
    #expect(try configuration.profile("minimal").kernel == "/project/../kernel/bzImage")
    #expect(try configuration.profile("disk").rootfs == "/project/disk.img")
    #expect(try configuration.profile("default").isBuiltIn)
  }

  @Test(
    "an error in provium.toml names the file, the line and what is accepted",
    arguments: [
      (
        "[provium]\ntimout = \"5m\"",
        "/project/provium.toml:2: unknown key 'provium.timout' (did you mean 'timeout'?)"
      ),
      (
        "[provium]\ncache_max = \"512X\"",
        "/project/provium.toml:2: 'provium.cache_max' is \"512X\", but must be a size"
      ),
      (
        "[provium]\ntests = \"tests\"",
        "/project/provium.toml:2: 'provium.tests' is \"tests\", but must be a list"
      ),
      ("[profile.a]\ninitrd = \"x\"", "/project/provium.toml:1: [profile.a] lacks the key 'kernel'"),
      ("[profile.a]\nkernel = 5", "/project/provium.toml:2: 'profile.a.kernel' is 5, but must be a string"),
      (
        "[profile.a]\nkernel = \"k\"\nkernal = \"x\"",
        "/project/provium.toml:3: unknown key 'profile.a.kernal' (did you mean 'kernel'?)"
      ),
      (
        "[profile.a]\nkernel = \"k\"\npackages = [\"-o\"]",
        "/project/provium.toml:3: 'profile.a.packages' is '-o', but must be a list of names of Debian packages"
      ),
      (
        "[profile.a]\nkernel = \"k\"\nuserland = \"busybox\"\npackages = [\"gcc\"]",
        "/project/provium.toml:4: 'profile.a.packages' is beside \"busybox\", but must be used with userland"
      ),
      (
        "[profile.a]\nkernel = \"k\"\nuserland = \"debian\"\nroot = \"/\"",
        "/project/provium.toml:4: 'profile.a.root' is beside userland = \"debian\", but must be left out"
      ),
      ("[provum]\n", "/project/provium.toml:1: unknown key 'provum' (did you mean 'provium'?)"),
      ("[provium]\ntests = [", "/project/provium.toml:2:10: "),
      ("[provium]\ncache = \"\"", "/project/provium.toml:2: 'provium.cache' is empty, but must be a path"),
      (
        "[provium]\ntimeout = 0",
        "/project/provium.toml:2: 'provium.timeout' is 0, but must be a duration above 0"
      ),
      (
        "[provium]\ntimeout_multiplier = 0",
        "/project/provium.toml:2: 'provium.timeout_multiplier' is 0, but must be a number from 0.1 to 1000"
      ),
      (
        "[provium]\nop_timeout = \"0s\"",
        "/project/provium.toml:2: 'provium.op_timeout' is \"0s\", but must be a duration"
      ),
      (
        "[profile]\nb = {kernel = \"k\"}\na = {kernal = \"x\"}",
        "/project/provium.toml:3: unknown key 'profile.a.kernal' (did you mean 'kernel'?)"
      ),
      ("\nprofile = {a = {initrd = \"x\"}}", "/project/provium.toml:2: [profile.a] lacks the key 'kernel'"),
      (
        "[profile.a]\nkernel = \"k\"\n[profiles.a]\nkernel = \"l\"",
        "/project/provium.toml:3: 'profiles.a' is a second profile of that name"
      ),
    ]
  )
  func complaints(text: String, expected: String) {
    let said = complaint(text)
    #expect(said.hasPrefix(expected), "\(said)")
  }

  @Test("[profile.default] changes the settings of the built-in profile that it names, and no others")
  func builtIn()
    throws
  {
    let profile = try parse("[profile.default]\nappend = \"quiet\"").profile("default")
    #expect(profile.isBuiltIn && profile.append == "quiet")
  }

  @Test("the error for an unknown profile names the known ones") func unknownProfile() throws {
    let configuration = try parse("[profile.minimal]\nkernel = \"k\"")
    let error = #expect(throws: ConfigurationError.self) { try configuration.profile("minimla") }
    #expect(
      error?.description
        == "unknown profile 'minimla' (did you mean 'minimal'?); known in /project/provium.toml: default, minimal"
    )
  }
}

extension ConfigurationTests {
  @Test("[matrix] names kernels, each once, with paths relative to the file's folder") func matrix() throws {
    let configuration = try parse("[matrix]\nkernels = [\"deb:6.1\", \"../linux\", \"build/bzImage\"]")
    #expect(configuration.matrix.map(\.name) == ["deb:6.1", "/project/../linux", "/project/build/bzImage"])
    #expect(configuration.matrix.map(\.label) == ["deb:6.1", "/project/../linux", "build/bzImage"])
    #expect(try configuration.kernels(named: []) == configuration.matrix)
    #expect(try configuration.kernels(named: ["deb:6.12"]).map(\.label) == ["deb:6.12"])
    #expect(throws: ConfigurationError.self) { try configuration.kernels(named: ["deb:6.1", "deb:6.1"]) }
    for (text, expected) in [
      ("[matrix]", "'matrix.kernels' is empty or missing"),
      ("[matrix]\nkernels = []", "/project/provium.toml:2: 'matrix.kernels' is empty or missing"),
      ("[matrix]\nkernels = [\"deb:6.1\", \"deb:6.1\"]", "a list with deb:6.1 twice"),
      ("[matrix]\nkernels = [1]", "a list of strings"), ("[matrix]\nkernel = []", "did you mean 'kernels'?"),
    ] { #expect(complaint(text).contains(expected), "\(complaint(text))") }
  }
}

@Suite("Quantities") struct QuantityTests {
  @Test(
    "units of memory are binary multiples",
    arguments: [
      ("512", 512 as UInt64?), ("64K", 65536), ("512M", 512 << 20), ("2G", 2 << 30), ("1.5G", 3 << 29),
      ("512MiB", 512 << 20), ("512X", nil), ("-1", nil), ("", nil), ("M", nil), ("nan", nil), ("1e30", nil),
    ]
  )
  func bytes(text: String, expected: UInt64?) { #expect(Quantity.bytes(text) == expected) }

  @Test(
    "a duration has a unit, or is in seconds",
    arguments: [
      ("500ms", Duration.milliseconds(500) as Duration?), ("5s", .seconds(5)), ("2m", .seconds(120)),
      ("1h", .seconds(3600)), ("1.5", .milliseconds(1500)), ("5x", nil), ("-5s", nil), ("s", nil),
    ]
  )
  func durations(text: String, expected: Duration?) { #expect(Quantity.duration(text) == expected) }
}
