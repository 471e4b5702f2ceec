import ProviumSystem

/// A built tree, or an installation, of fstests (xfstests).
///
///     check                      the runner of the tests
///     tests/FOLDER/group.list    NUMBER GROUP…, one test a line; # begins a comment
///     tests/FOLDER/NUMBER        a script, and its expected output in NUMBER.out
///     common/, src/, ltp/        what the scripts use
///
/// Layout: README, `check` and tools/mkgroupfile of fstests.
struct FstestsTree: Sendable {
  /// Absolute.
  let path: String
  /// Folders by their names, tests in the order of their lists.
  let programs: [SuiteProgram]
  /// The lists of groups.
  let lists: [String]
  /// The type of the file system under test: `ext4`.
  let fileSystem: String

  /// The time limit of a test.
  static let timeout = Duration.seconds(1800)
  /// The group that `check` runs unless it is told otherwise.
  static let defaultGroup = "auto"
  /// Serial numbers of the two disks, and the places where tests mount them.
  static let testDisk = "fstests-test", scratchDisk = "fstests-scratch"
  private static let listName = "group.list"
  /// The settings, and the results of a test, in the guest.
  private static let settings = "/tmp/fstests.config", results = "/tmp/fstests-results"

  /// Reads the lists of groups.
  init(_ path: String, fileSystem: String) throws {
    self.path = path
    self.fileSystem = fileSystem
    guard Files.isDirectory(path) else {
      throw SuiteError.noFstests(path: path, reason: "there is no such folder")
    }
    let tests = "\(path)/tests"
    guard Files.isRegularFile("\(path)/check"), Files.isDirectory(tests) else {
      throw SuiteError.noFstests(path: path, reason: "it has no check and no tests")
    }
    do {
      let folders = try Files.list(tests).sorted().filter { Files.exists("\(tests)/\($0)/\(Self.listName)") }
      guard !folders.isEmpty else {
        throw SuiteError.noFstests(path: path, reason: "no folder of its tests has a group.list")
      }
      lists = folders.map { "\(tests)/\($0)/\(Self.listName)" }
      programs = try folders.flatMap { try Self.programs(of: $0, in: tests) }
    } catch let error as SuiteError { throw error } catch {
      throw SuiteError.unreadable(path: tests, reason: "\(error)")
    }
  }

  private static func programs(of folder: String, in tests: String) throws -> [SuiteProgram] {
    try Files.readText("\(tests)/\(folder)/\(listName)").split(separator: "\n").compactMap { line in
      let words = line.prefix { $0 != "#" }.split { $0 == " " || $0 == "\t" }.map(String.init)
      // Names begin with three digits (common/test_names).
      guard let name = words.first, name.count >= 3, name.prefix(3).allSatisfy({ $0.isASCII && $0.isNumber }),
        name.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "-") })
      else { return nil }
      var program = SuiteProgram(collection: folder, name: name, separator: "/")
      program.groups = Array(words.dropFirst())
      return program
    }
    .uniqued()
  }

  func path(of program: SuiteProgram) -> String { "\(path)/tests/\(program.key)" }

  /// Whether `check -g` selects a test: `quick` names a group in `generic` and in the folder of the file system, `xfs/quick` a group in
  /// one folder, `all` all groups.
  func isMember(_ program: SuiteProgram, of group: String) -> Bool {
    if let slash = group.lastIndex(of: "/") {
      return program.collection == group[..<slash]
        && program.groups.contains(String(group[group.index(after: slash)...]))
    }
    let own = ["ext2", "ext3"].contains(fileSystem) ? "ext4" : fileSystem
    guard program.collection == "generic" || program.collection == own else { return false }
    return group == "all" || program.groups.contains(group)
  }

  // MARK: In the guest

  /// Tools that `check` needs before it runs any test (common/config).
  static let tools = ["bash", "mkfs", "mount", "perl", "awk", "sed", "bc", "df", "xfs_io"]

  /// Makes the file system of the test disk and writes the settings for `check`.
  /// - Parameters:
  ///   - folder: of the tree in the guest, to which tests write: an overlay in memory takes that.
  ///   - variables: `MKFS_OPTIONS` and others that fstests' README names.
  func preparation(folder: String, variables: [String: String]) -> String {
    let own = [
      "FSTYP": fileSystem, "TEST_DIR": "/mnt/test", "SCRATCH_MNT": "/mnt/scratch",
      "RESULT_BASE": Self.results,
    ]
    let lines = own.merging(variables) { $1 }.sorted { $0.key < $1.key }
      .map { "export \($0.key)=\(ShellWord.quoted($0.value))" }
    return """
      for t in \(Self.tools.joined(separator: " ")) mkfs.\(fileSystem); do
        command -v $t >/dev/null || lack="$lack $t"
      done
      [ -z "$lack" ] || { echo "the guest lacks$lack, which fstests needs: boot a profile with them, such as root = \\"/\\"" >&2; exit 1; }
      disk() { for d in /sys/block/*; do [ "$(cat $d/serial 2>/dev/null)" = "$1" ] && echo /dev/${d##*/}; done; }
      test=$(disk \(Self.testDisk)); scratch=$(disk \(Self.scratchDisk))
      [ -n "$test" ] && [ -n "$scratch" ] || { echo "the guest does not show the two disks" >&2; exit 1; }
      o=/run/fstests; modprobe overlay 2>/dev/null
      mkdir -p $o && mount -t tmpfs fstests $o && mkdir $o/upper $o/work || exit 1
      mount -t overlay -o lowerdir=\(folder),upperdir=$o/upper,workdir=$o/work fstests \(folder) || exit 1
      mkdir -p /mnt/test /mnt/scratch \(Self.results)
      echo "export TEST_DEV=$test SCRATCH_DEV=$scratch" > \(Self.settings)
      cat >> \(Self.settings) <<'END'
      \(lines.joined(separator: "\n"))
      END
      for n in fsgqa:1001 fsgqa2:1002 123456-fsgqa:1003; do
        grep -q "^${n%:*}:" /etc/passwd || echo "${n%:*}:x:${n#*:}:${n#*:}:fstests:/tmp:/bin/bash" >> /etc/passwd
        grep -q "^${n%:*}:" /etc/group || echo "${n%:*}:x:${n#*:}:" >> /etc/group
      done
      . \(Self.settings)
      modprobe \(fileSystem) 2>/dev/null
      case $FSTYP in ext*) force=-F ;; xfs|btrfs|f2fs) force=-f ;; esac
      mkfs.$FSTYP $force $MKFS_OPTIONS $TEST_DEV 2>&1 >/dev/null || exit 1
      """
  }

  /// Runs one test with `check`. The exit status is 4 with the reason as the last line where the test was not run, and 1 where `check` ran
  /// no test at all, which it takes for a success.
  func command(of program: SuiteProgram, in folder: String) -> String {
    let results = "\(Self.results)/\(program.collection)/\(program.name)"
    return """
      cd \(folder) && export HOST_OPTIONS=\(Self.settings) && ./check \(program.key); status=$?
      if [ -f \(results).notrun ]; then cat \(results).notrun; exit 4; fi
      if [ $status = 0 ] && ! grep -q '^Ran: ' \(Self.results)/check.log; then echo "check ran no test"; exit 1; fi
      if [ $status != 0 ] && [ -s \(results).full ]; then echo "--- the end of \(program.key).full"; tail -n 20 \(results).full; fi
      if [ -s \(results).dmesg ]; then echo "--- \(program.key).dmesg"; tail -n 20 \(results).dmesg; fi
      exit $status
      """
  }
}
