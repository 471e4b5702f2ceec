import ArgumentParser
import ProviumRunner
import ProviumRuntime

struct FstestsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fstests",
    abstract: "Run tests of fstests (xfstests), each in a fresh VM with two disks.",
    discussion: """
      Runs tests of a built tree with its own check: provium fstests --install xfstests -g quick generic/475. The guest needs bash, \
      perl and the tools of the file system, for example by root = "/" in its profile. Exit codes are those of provium test.
      """
  )

  @Argument(
    help: ArgumentHelp(
      "Tests (generic/001) or patterns (ext4/*); neither tests nor groups: the group auto.",
      valueName: "test"
    )
  )
  var selected: [String] = []
  @Option(name: .shortAndLong, help: "Run the tests of this group, such as quick or xfs/quick (repeatable).")
  var group: [String] = []
  @Option(help: ArgumentHelp("Use this built tree, or installation.", valueName: "folder"))
  var install = "xfstests"
  @Option(help: ArgumentHelp("Test this type of file system.", valueName: "type"))
  var filesystem = "ext4"
  @Option(help: ArgumentHelp("Give each of the two disks this size.", valueName: "size"))
  var diskSize: ByteCount?
  @OptionGroup var programs: ProgramOptions
  @OptionGroup(title: "Selection") var selection: SelectionOptions
  @OptionGroup(title: "Execution") var running: ExecutionOptions
  @OptionGroup(title: "VMs") var machines: VMOptions
  @OptionGroup(title: "Reports") var reports: ReportOptions

  func validate() throws {
    guard SuiteSettings.isFileSystem(filesystem) else {
      throw ValidationError("--filesystem must be a type such as ext4 or xfs, not '\(filesystem)'")
    }
    if let diskSize, !SuiteSettings.isDiskSize(diskSize.bytes) {
      throw ValidationError("--disk-size must be \(SuiteSettings.acceptedDiskSizes)")
    }
  }

  func run() throws {
    var suite = programs.suite("fstests", .fstests, tree: install)
    suite.groups = group
    suite.fileSystem = filesystem
    if let diskSize { suite.diskSize = diskSize.bytes }
    try SuiteExecution(suite, selected, selection, running, machines, reports).run()
  }
}
