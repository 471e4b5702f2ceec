/// Lists of tests that come from no script.
extension ScannedScript {
  /// Tests with these names, in a file without lines.
  package init(names: [String], tags: (String) -> [String], exemption: (String) -> ScannedTest.Exemption?) {
    self.init(
      tests: names.map { name in
        ScannedTest(
          name: .literal(name),
          line: 1,
          column: 1,
          exemption: exemption(name),
          tags: tags(name)
        )
      },
      error: nil
    )
  }

  /// Tests whose names only a run shows.
  package static let unknown = ScannedScript(
    tests: [ScannedTest(name: .dynamic, line: 1, column: 1)],
    error: nil
  )
}
