import ProviumEvents
import ProviumReports
import ProviumSystem
import Testing

@Suite("The HTML page") struct HTMLTests {
  private let page = HTMLPage(of: SampleRun.record).text

  @Test("asks no network for anything") func selfContained() {
    for reference in ["http://", "https://", "src=", "@import", "url(http"] {
      #expect(!page.contains(reference))
    }
    #expect(page.contains("default-src 'none'"))
  }

  @Test("has no markup but its own") func escaped() {
    #expect(!page.contains("<b>&amp;'") && !page.contains("<use-after-free>"))
    #expect(page.contains("&quot;&lt;b&gt;&amp;amp;&#39; red\\x07 👩‍🚀 שלום \\u{202E}gnp.exe"))
    #expect(!page.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" && $0 != "\t" })
  }

  @Test("has a bar for each run of a file, for machines and waits") func timeline() {
    #expect(page.components(of: "class=\"bar ") == 7)
    #expect(page.contains("machine 1, default, boot, 256M, 1 processor, ready after 2.1s, ended: shutdown"))
    #expect(page.contains("token.lua waited 2.9s for the pool"))
    #expect(page.contains("memory given away, at most 256M"))
  }

  @Test("shows an empty and an interrupted run, too") func odd() {
    #expect(HTMLPage(of: RunRecord()).text.contains("</html>"))
    #expect(
      HTMLPage(of: RunRecord(SampleRun.interrupted)).text.contains("did not end: the run was interrupted")
    )
  }

  @Test(
    "works in a browser: its script runs, counts, and finds by name",
    .enabled(if: Browser.path != nil, "no chromium is installed"),
    .timeLimit(.minutes(2))
  )
  func browser() throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/page.html"
    // The page itself, and behind it what a reader would do.
    let typed = """
      <script>
      const s = document.getElementById('search'); s.value = 'denies';
      s.dispatchEvent(new Event('input'));
      setTimeout(() => { document.body.dataset.found = document.getElementById('shown').textContent;
        document.querySelector('.chip.failed').click();
        document.body.dataset.without = document.getElementById('shown').textContent; }, 300);
      document.body.dataset.all = document.getElementById('shown').textContent;
      </script></body>
      """
    try Files.write(Array(page.replacing("</body>", with: typed).utf8), to: path)
    let dom = try Browser.dom(of: path, profile: "\(scratch.path)/profile")
    #expect(dom.contains("data-all=\"11 tests in 6 files\""))
    #expect(dom.contains("data-found=\"1 tests in 1 files\""))
    #expect(dom.contains("data-without=\"0 tests in 0 files\""))
  }

  @Test(
    "shows something on every kind of screen",
    .enabled(if: Browser.path != nil, "no chromium is installed"),
    .timeLimit(.minutes(2)),
    arguments: [("wide", 1280, 900), ("narrow", 400, 800)]
  )
  func picture(name: String, width: Int, height: Int) throws {
    let scratch = try Scratch()
    // Where somebody wants to look at them: PROVIUM_TEST_PICTURES=FOLDER.
    let folder = Environment["PROVIUM_TEST_PICTURES"] ?? scratch.path
    let path = "\(scratch.path)/page.html"
    try Files.write(Array(page.utf8), to: path)
    let picture = "\(folder)/report-\(name).png"
    try Browser.picture(
      of: path,
      to: picture,
      width: width,
      height: height,
      profile: "\(scratch.path)/profile"
    )
    let bytes = try Files.read(picture)
    #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    // An empty page of that size takes a few kilobytes, compressed.
    #expect(bytes.count > 20_000)
  }
}

/// A headless Chromium, where one is installed.
private enum Browser {
  static let path = ["chromium", "chromium-browser", "google-chrome"].lazy.compactMap { ToolRun.find($0) }
    .first

  static func dom(of page: String, profile: String) throws -> String {
    try run(["--virtual-time-budget=3000", "--dump-dom", "file://\(page)"], profile: profile)
  }

  static func picture(of page: String, to path: String, width: Int, height: Int, profile: String) throws {
    _ = try run(
      ["--window-size=\(width),\(height)", "--hide-scrollbars", "--screenshot=\(path)", "file://\(page)"],
      profile: profile
    )
  }

  private static func run(_ arguments: [String], profile: String) throws -> String {
    try ToolRun.run(
      path ?? "",
      ["--headless", "--no-sandbox", "--disable-gpu", "--user-data-dir=\(profile)"] + arguments,
      deadline: .after(.seconds(90))
    ).outputText
  }
}

extension String {
  /// How often `part` occurs.
  fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}
