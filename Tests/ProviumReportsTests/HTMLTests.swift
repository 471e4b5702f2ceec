import ProviumEvents
import ProviumReports
import ProviumSystem
import Testing

@Suite("The HTML page") struct HTMLTests {
  private let page = HTMLPage(of: SampleRun.record).text

  @Test("needs no network and no other file") func selfContained() {
    for reference in ["http://", "https://", "src=", "@import", "url(http"] {
      #expect(!page.contains(reference))
    }
    #expect(page.contains("default-src 'none'"))
  }

  @Test("escapes all text of tests and guests") func escaped() {
    #expect(!page.contains("<b>&amp;'") && !page.contains("<use-after-free>"))
    #expect(page.contains("&quot;&lt;b&gt;&amp;amp;&#39; red\\x07 👩‍🚀 שלום \\u{202E}gnp.exe"))
    #expect(!page.unicodeScalars.contains { $0.value < 0x20 && $0 != "\n" && $0 != "\t" })
  }

  @Test("has a bar for each run of a file, for its VMs and for its waits") func timeline() {
    #expect(page.components(of: "class=\"bar ") == 7)
    #expect(page.contains("VM 1, default, boot, 256M, 1 processor, ready after 2.1s, ended: shutdown"))
    #expect(page.contains("token.lua waited 2.9s for the pool"))
    #expect(page.contains("memory granted, at most 320M"))
  }

  @Test("also shows an empty run and an interrupted run") func odd() {
    #expect(HTMLPage(of: RunRecord()).text.contains("</html>"))
    #expect(
      HTMLPage(of: RunRecord(SampleRun.interrupted)).text.contains("did not end: the run was interrupted")
    )
  }

  @Test(
    "works in a browser: the script runs, counts, and finds files by name",
    .enabled(if: Browser.path != nil, "no chromium is installed"),
    .timeLimit(.minutes(15))
  )
  func browser() throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/page.html"
    // The page, followed by the actions of a reader.
    let typed = """
      <script>
      const s = document.getElementById('search'), shown = document.getElementById('shown'), data = document.body.dataset;
      data.all = shown.textContent;
      data.first = [...document.querySelectorAll('.file')].map(f => f.dataset.status).join(' ');
      const steps = [['found', 'denies'], ['message', 'texts differ'], ['console', 'audit: denied'],
        ['output', 'uid is 0'], ['own', 'signal'], ['nowhere', 'no such words']];
      function step() {
        if (!steps.length) { s.value = 'denies'; s.dispatchEvent(new Event('input')); setTimeout(filter, 200); return; }
        const [name, words] = steps.shift();
        s.value = words;
        s.dispatchEvent(new Event('input'));
        setTimeout(() => {
          data[name] = shown.textContent;
          data[name + 'Open'] = [...document.querySelectorAll('.test:not([hidden]) details.more')].some(d => d.open);
          step();
        }, 200);
      }
      function filter() { document.querySelector('.chip.failed').click(); data.without = shown.textContent; }
      step();
      </script></body>
      """
    try Files.write(Array(page.replacing("</body>", with: typed).utf8), to: path)
    let dom = try Browser.dom(of: path, profile: "\(scratch.path)/profile")
    #expect(dom.contains("data-all=\"11 tests in 6 files\""))
    #expect(dom.contains("data-first=\"failed failed passed helper passed skipped\""))
    for name in ["found", "message", "console", "output"] {
      #expect(dom.contains("data-\(name)=\"1 tests in 1 files\""), "\(name)")
    }
    // Where it was found can be seen.
    #expect(dom.contains("data-console-open=\"true\"") && dom.contains("data-output-open=\"true\""))
    #expect(dom.contains("data-nowhere=\"0 tests in 0 files\""))
    #expect(dom.contains("data-without=\"0 tests in 0 files\""))
  }

  @Test(
    "shows its content on screens of every size",
    .enabled(if: Browser.path != nil, "no chromium is installed"),
    .timeLimit(.minutes(15)),
    arguments: [("wide", 1280, 900, false), ("narrow", 400, 800, false), ("dark", 1280, 900, true)]
  )
  func picture(name: String, width: Int, height: Int, isDark: Bool) throws {
    let scratch = try Scratch()
    // To look at the pictures: PROVIUM_TEST_PICTURES=FOLDER.
    let folder = Environment["PROVIUM_TEST_PICTURES"] ?? scratch.path
    let path = "\(scratch.path)/page.html"
    try Files.write(Array(page.utf8), to: path)
    let picture = "\(folder)/report-\(name).png"
    try Browser.picture(
      of: path,
      to: picture,
      width: width,
      height: height,
      isDark: isDark,
      profile: "\(scratch.path)/profile"
    )
    let bytes = try Files.read(picture)
    #expect(bytes.starts(with: [0x89, 0x50, 0x4E, 0x47]))
    // An empty page of that size takes a few kilobytes, compressed.
    #expect(bytes.count > 20_000)
  }

  @Test(
    "follows the reader's dark mode, and fits a narrow screen",
    .enabled(if: Browser.path != nil, "no chromium is installed"),
    .timeLimit(.minutes(15)),
    arguments: [(false, "rgb(246, 247, 249)"), (true, "rgb(17, 21, 27)")]
  )
  func colours(isDark: Bool, background: String) throws {
    let scratch = try Scratch()
    let path = "\(scratch.path)/page.html"
    let look = """
      <script>
      document.body.dataset.background = getComputedStyle(document.body).backgroundColor;
      const edge = document.querySelector('.timeline').getBoundingClientRect().right;
      document.body.dataset.outside = [...document.querySelectorAll('.timeline .tick, .timeline .legend')]
        .filter(e => e.getBoundingClientRect().right > edge).length;
      </script></body>
      """
    try Files.write(Array(page.replacing("</body>", with: look).utf8), to: path)
    let dom = try Browser.dom(of: path, width: 400, isDark: isDark, profile: "\(scratch.path)/profile")
    #expect(dom.contains("data-background=\"\(background)\""))
    #expect(dom.contains("data-outside=\"0\""))
  }
}

/// A headless Chromium; nil where none is installed.
private enum Browser {
  static let path = ["chromium", "chromium-browser", "google-chrome"].lazy.compactMap { ToolRun.find($0) }
    .first

  static func dom(of page: String, width: Int = 1280, isDark: Bool = false, profile: String) throws -> String
  {
    try run(
      [
        "--window-size=\(width),800", scheme(isDark), "--virtual-time-budget=5000", "--dump-dom",
        "file://\(page)",
      ],
      profile: profile
    )
  }

  static func picture(
    of page: String,
    to path: String,
    width: Int,
    height: Int,
    isDark: Bool,
    profile: String
  ) throws {
    _ = try run(
      [
        "--window-size=\(width),\(height)", "--hide-scrollbars", scheme(isDark), "--screenshot=\(path)",
        "file://\(page)",
      ],
      profile: profile
    )
  }

  /// The reader's colour scheme, as Blink numbers it.
  private static func scheme(_ isDark: Bool) -> String {
    "--blink-settings=preferredColorScheme=\(isDark ? 0 : 1)"
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
  /// The number of occurrences of `part`.
  fileprivate func components(of part: String) -> Int { ranges(of: part).count }
}
