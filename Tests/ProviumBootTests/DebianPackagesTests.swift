import Testing

@testable import ProviumBoot

@Suite struct DebianPackagesTests {
  @Test func `every line of apt-get is a package, also one without a digest`() throws {
    let packages = try DebianPackages.packages(
      in: """
        'http://host/b_2%2b1_amd64.deb' b_2+1_amd64.deb 205796 MD5Sum:a53f
        'http://host/a_1_all.deb' a_1_all.deb 1024 \("")

        """
    )
    #expect(packages.map(\.file) == ["a_1_all.deb", "b_2+1_amd64.deb"])
    for wrong in [
      "Reading package lists...", "'http://host/x' ../x.deb 1 MD5Sum:a", "'http://host/x' x.rpm 1",
    ] {
      #expect(throws: ImageError.self) { try DebianPackages.packages(in: wrong) }
    }
  }

  @Test func `names of packages are told from options of apt-get`() {
    for name in ["gcc", "g++", "libc6:arm64", "bash=5.2.15-2+b8", "gcc/bookworm", "0ad"] {
      #expect(DebianPackages.isName(name), "\(name)")
    }
    for name in ["", "-o", "--allow-downgrades", "gcc-", "a b", "a;b", "Größe", "?essential", "~n", "\u{0}"] {
      #expect(!DebianPackages.isName(name), "\(name)")
    }
  }
}
