import ProviumSystem
import Testing

@testable import ProviumRunner

@Suite("A build of the kernel's selftests") struct SelftestBuildTests {
  /// A make file that installs the collections of `TARGETS`, except `broken`, as the kernel's does: one built collection is a success.
  private static let makeFile = """
    TARGETS ?= timers size
    install:
    \t@mkdir -p $(INSTALL_PATH); : > $(INSTALL_PATH)/kselftest-list.txt
    \t@for t in $(TARGETS); do \\
    \t  [ $$t = broken ] && { echo "broken.c:1: error: no such call" >&2; continue; }; \\
    \t  echo "$$t:run" >> $(INSTALL_PATH)/kselftest-list.txt; done; [ -s $(INSTALL_PATH)/kselftest-list.txt ]

    """

  private func build(_ selected: [String]) throws -> (programs: [String], commands: [String]) {
    let tree = try ScratchTree([
      "linux/Makefile": "headers:\n\t@touch made\n", "linux/tools/testing/selftests/lib.mk": "",
      "linux/tools/testing/selftests/Makefile": Self.makeFile,
    ])
    var commands: [String] = []
    try SelftestBuild(sources: "\(tree.path)/linux", install: "\(tree.path)/out", selected: selected).run {
      commands.append($0)
    }
    #expect(Files.exists("\(tree.path)/linux/made"))
    return (try SelftestTree("\(tree.path)/out").programs.map(\.key), commands)
  }

  @Test("makes the headers, and installs the collections of a selection") func selection() throws {
    let built = try build(["futex", "net:tls", "futex:run"])
    #expect(built.programs == ["futex:run", "net:run"])
    #expect(built.commands.last?.contains("\"TARGETS=futex net\" install INSTALL_PATH=") == true)
    #expect(try build([]).programs == ["timers:run", "size:run"])
    #expect(try build(["t*"]).programs == ["timers:run", "size:run"])
  }

  @Test("fails with make's words where a collection was not built") func broken() throws {
    for selected in [["broken"], ["broken", "size"]] {
      let error = #expect(throws: SuiteError.self) { try build(selected) }
      #expect(error.map { "\($0)" }?.contains("broken.c:1: error: no such call") == true)
    }
  }

  @Test("refuses a folder that has no selftests") func sources() throws {
    let tree = try ScratchTree(["README": ""])
    let error = #expect(throws: SuiteError.self) {
      try SelftestBuild(sources: tree.path, install: "\(tree.path)/out", selected: []).run { _ in }
    }
    #expect(error.map { "\($0)" }?.contains("no sources of a kernel") == true)
  }
}
