import ProviumSystem

/// The table of a run on several kernels, for the page. Pure.
struct MatrixSection {
  /// Empty for a run on one kernel.
  let text: String

  init(of record: RunRecord) {
    guard let table = MatrixTable(of: record) else {
      text = ""
      return
    }
    let head = table.kernels.map { "<th scope=\"col\"><bdi>\(MarkupText.html($0))</bdi></th>" }.joined()
    let rows = table.rows.map { row in
      "<tr class=\"\(row.isSubTest ? "sub" : "whole")\"><th scope=\"row\"><bdi>\(MarkupText.html(row.title))</bdi></th>"
        + row.cells.map { "<td class=\"\($0.status.rawValue)\">\($0.text)</td>" }.joined() + "</tr>"
    }
    text = """
      <section class="matrix" aria-labelledby="matrix-title">
      <h2 id="matrix-title">Kernels</h2>
      <div class="wide"><table><thead><tr><td></td>\(head)</tr></thead><tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table></div>
      </section>
      """
  }
}
