package import ProviumRuntime
package import ProviumScripts

/// The tests of another source, on each kernel of a matrix: each file is there once for each kernel, and runs on that kernel.
package struct MatrixTests: TestSource {
  private struct Column: Sendable {
    let kernel: MatrixKernel
    let configuration: Configuration
    let source: any TestSource
  }
  private let columns: [Column]

  /// - Parameters:
  ///   - kernels: At least one.
  ///   - source: Makes the source of one column. Suites may depend on the kernel.
  package init(
    _ kernels: [MatrixKernel],
    _ configuration: Configuration,
    source: (Configuration) throws -> any TestSource
  ) throws {
    columns = try kernels.map { kernel in
      let own = configuration.booting(kernel)
      return Column(kernel: kernel, configuration: own, source: try source(own))
    }
  }

  /// The kernels as reports name them.
  package var labels: [String] { columns.map(\.kernel.label) }

  /// All kernels of a file come before the next file.
  package func discover(_ paths: [String], from directory: String, in _: Configuration) throws
    -> DiscoveredFiles
  {
    var found = DiscoveredFiles(files: [])
    var cells: [String: [TestFile]] = [:]
    var names: [String] = []
    for column in columns {
      let own = try column.source.discover(paths, from: directory, in: column.configuration)
      for file in own.files {
        if cells[file.name] == nil { names.append(file.name) }
        cells[file.name, default: []].append(file.on(column.kernel.label, isNamed: columns.count > 1))
      }
      found.skipped += own.skipped.filter { !found.skipped.contains($0) }
    }
    found.files = names.flatMap { cells[$0] ?? [] }
    return found
  }

  package func list(_ file: TestFile, _ selection: TestSelection) throws -> TestList {
    try column(of: file).source.list(file, selection)
  }

  package func isShared(_ path: String) -> Bool { columns[0].source.isShared(path) }

  package func run(
    _ run: TestRun,
    interruption: Interruption,
    abandoned: @escaping @Sendable (EndedRun) -> Void
  ) -> EndedRun? {
    let column = column(of: run.file)
    var run = run
    run.engine = run.engine.booting(column.kernel.name)
    return column.source.run(run, interruption: interruption, abandoned: abandoned)
  }

  /// Every file that this source found has the kernel of a column.
  private func column(of file: TestFile) -> Column {
    columns.first { $0.kernel.label == file.kernel } ?? columns[0]
  }
}
