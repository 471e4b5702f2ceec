/// The page's style sheet. The reader's system chooses light or dark, or the page's button does.
enum PageStyle {
  static let text = """
    :root{--bg:#f6f7f9;--card:#fff;--line:#dfe3e8;--text:#1c2330;--soft:#5b6676;--good:#1a7f47;--bad:#c62f2f;--odd:#9a6400;
    --none:#7a8494;--accent:#2b63c6;--good-bg:#e3f4ea;--bad-bg:#fdecec;--odd-bg:#fff3d9;--none-bg:#eceff3;--code:#f1f3f6;
    --boot:#c9b6ee;--vm:#8263c9;--pool:#9db9ea}
    @media (prefers-color-scheme:dark){:root:not([data-theme=light]){--bg:#11151b;--card:#1a2029;--line:#2d3644;--text:#e4e9f0;
    --soft:#9aa6b6;--good:#4cc38a;--bad:#ff7b72;--odd:#e3b341;--none:#8a95a5;--accent:#7aa7f7;--good-bg:#12301f;--bad-bg:#3b191a;
    --odd-bg:#352a0e;--none-bg:#252d39;--code:#12171e;--boot:#5f4f87;--vm:#a78bea;--pool:#35507d}}
    :root[data-theme=dark]{--bg:#11151b;--card:#1a2029;--line:#2d3644;--text:#e4e9f0;--soft:#9aa6b6;--good:#4cc38a;--bad:#ff7b72;
    --odd:#e3b341;--none:#8a95a5;--accent:#7aa7f7;--good-bg:#12301f;--bad-bg:#3b191a;--odd-bg:#352a0e;--none-bg:#252d39;
    --code:#12171e;--boot:#5f4f87;--vm:#a78bea;--pool:#35507d;color-scheme:dark}
    :root[data-theme=light]{color-scheme:light}
    *{box-sizing:border-box}
    body{margin:0;background:var(--bg);color:var(--text);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,"DejaVu Sans",sans-serif}
    header,main,footer{max-width:1180px;margin:0 auto;padding:0 20px}
    header{padding-top:24px}footer{color:var(--soft);padding-top:24px;padding-bottom:32px;font-size:13px}
    kbd{border:1px solid var(--line);border-radius:4px;padding:0 5px;background:var(--card);font-size:12px}
    .skip{position:absolute;left:-999px}.skip:focus{left:20px;top:8px;background:var(--card);padding:4px 10px;z-index:9}
    .top{display:flex;justify-content:space-between;align-items:center;gap:16px}
    h1{font-size:22px;font-weight:600;margin:0;display:flex;align-items:center;gap:12px}
    h2{font-size:16px;font-weight:600;margin:0;display:inline}
    .badge{font-size:13px;font-weight:700;letter-spacing:.04em;padding:4px 12px;border-radius:999px;color:#fff;background:var(--none)}
    .badge.passed{background:#1a7f47}.badge.failed{background:#c62f2f}.badge.todo{background:#9a6400}
    button{font:inherit;font-size:13px;color:var(--text);background:var(--card);border:1px solid var(--line);border-radius:7px;
    padding:4px 11px;cursor:pointer}button:hover{border-color:var(--accent)}
    :focus-visible{outline:2px solid var(--accent);outline-offset:2px}
    .tiles{list-style:none;display:flex;flex-wrap:wrap;gap:10px;margin:18px 0 14px;padding:0}
    .tile{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:9px 15px;min-width:112px;flex:1}
    .tile b{display:block;font-size:22px;line-height:1.2;font-variant-numeric:tabular-nums}.tile span{color:var(--soft);font-size:12.5px}
    .tile.passed b{color:var(--good)}.tile.failed b{color:var(--bad)}.tile.todo b{color:var(--odd)}.tile.none b{color:var(--none)}
    .facts{display:flex;flex-wrap:wrap;gap:4px 26px;margin:0 0 18px;font-size:13px}
    .facts div{display:flex;gap:7px}.facts dt{color:var(--soft)}.facts dd{margin:0;overflow-wrap:anywhere}
    section,.timeline{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:16px 18px;margin-bottom:18px}
    .notices{background:var(--odd-bg);border-color:transparent}.notices ul{margin:0;padding-left:18px}.notices li{white-space:pre-wrap;overflow-wrap:anywhere}
    .timeline>summary{cursor:pointer}.chart{margin-top:12px}svg{display:block;overflow:visible}svg.slot{overflow:hidden}svg.name{pointer-events:none}
    .grid{stroke:var(--line)}.tick{fill:var(--soft);font-size:11px}.label{fill:#fff;font-size:11.5px;pointer-events:none;
    paint-order:stroke;stroke:rgba(0,0,0,.6);stroke-width:3px;stroke-linejoin:round}
    .bar{fill:var(--none);stroke:var(--card);stroke-width:1.5}.bar.passed{fill:#2c8c58}.bar.failed{fill:#cf3f3f}.bar.skipped,.bar.todo,.bar.helper{fill:#7a8494}
    .wait{fill:url(#hatch)}.hatch{stroke:#ffd479;stroke-width:3}
    .booting{fill:var(--boot)}.machine{fill:var(--vm)}.pool{fill:var(--pool)}.queue{fill:none;stroke:var(--odd);stroke-width:1.5;opacity:.75;vector-effect:non-scaling-stroke}
    .chart a:hover .bar,.chart a:focus .bar{filter:brightness(1.15)}
    .legend{color:var(--soft);font-size:12.5px;margin:12px 0 0}.key{display:inline-block;width:12px;height:10px;border-radius:3px;margin:0 5px 0 10px}
    .key.passed{background:#2c8c58}.key.failed{background:#cf3f3f}.key.skipped{background:#7a8494}.key.booting{background:var(--boot)}
    .key.queue{height:2px;vertical-align:middle;background:var(--odd)}
    .key.machine{background:var(--vm)}.key.wait{background:repeating-linear-gradient(45deg,#ffd479 0 3px,transparent 3px 6px);border:1px solid var(--odd)}
    .tools{display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin:12px -18px;padding:8px 18px;position:sticky;top:0;background:var(--card);
    z-index:2;border-bottom:1px solid var(--line)}
    #search{font:inherit;flex:1 1 220px;padding:6px 11px;border:1px solid var(--line);border-radius:7px;background:var(--bg);color:var(--text)}
    .chips{display:flex;gap:6px}.chip[aria-pressed=false]{opacity:.45;text-decoration:line-through}
    #shown{color:var(--soft);font-size:13px}
    .file{border:1px solid var(--line);border-radius:9px;margin:7px 0;content-visibility:auto;contain-intrinsic-size:auto 42px;scroll-margin-top:70px}
    .file.failed{border-color:var(--bad)}.file>summary{display:flex;gap:10px;align-items:baseline;padding:8px 13px;cursor:pointer;list-style:none}
    .file>summary::-webkit-details-marker{display:none}.file>summary .name{font-weight:600}
    .file>summary::before{content:"▸";color:var(--soft);width:10px}.file[open]>summary::before{content:"▾"}
    .name{overflow-wrap:anywhere;min-width:0}.note,.reason{color:var(--soft);font-size:13px}.word{margin-left:auto;font-size:12.5px;font-weight:600}
    .time{color:var(--soft);font-size:13px;font-variant-numeric:tabular-nums;white-space:nowrap;min-width:52px;text-align:right}
    .passed>summary>.word,.passed .mark{color:var(--good)}.failed>summary>.word,.failed>summary>.mark,.failed>.row>.mark,.chip.failed .mark{color:var(--bad)}
    .file.failed .test.passed .mark{color:var(--good)}.todo>.row>.mark,.chip.todo .mark,.todo>summary>.word{color:var(--odd)}
    .skipped>.row>.mark,.chip.skipped .mark,.skipped>summary>.word,.helper>summary>.word{color:var(--none)}
    .mark{font-weight:700;width:14px;flex:none;text-align:center}
    .tests{list-style:none;margin:0;padding:0 0 6px}.test{padding:3px 13px 3px calc(33px + var(--depth,0)*18px);scroll-margin-top:70px}
    .row{display:flex;gap:10px;align-items:baseline}.row .time{margin-left:auto}.test.failed{background:var(--bad-bg);padding-top:8px;padding-bottom:8px;margin:4px 0}
    .own{padding:4px 13px 8px 33px;background:var(--bad-bg);scroll-margin-top:70px}.log{padding:0 13px 4px 33px;color:var(--soft);font-size:13px;overflow-wrap:anywhere}
    .file>.reason{padding:0 13px 0 57px;margin:0 0 8px}.tag{background:var(--none-bg);color:var(--soft);border-radius:5px;font-size:12px;padding:0 7px}
    .where{margin:4px 0 4px 24px;font-size:13px}.kind{background:var(--bad);color:var(--card);border-radius:5px;padding:1px 7px;font-size:12px;font-weight:600}
    code,pre{font-family:ui-monospace,"SF Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace;font-size:12.5px}
    pre{background:var(--code);border:1px solid var(--line);border-radius:7px;padding:9px 12px;margin:4px 0 6px 24px;overflow:auto;max-height:420px;
    white-space:pre-wrap;overflow-wrap:anywhere;line-height:1.45}
    pre.message{border-left:3px solid var(--bad)}.more{margin-left:0}.more>summary{cursor:pointer;color:var(--soft);font-size:13px;margin-left:24px}
    .file>.more{padding:0 13px 8px 33px}[hidden]{display:none!important}
    @media print{.tools,#theme,.skip{display:none}.file{content-visibility:visible}}
    @media (max-width:640px){header,main,footer{padding-left:10px;padding-right:10px}.tile{min-width:90px}.note{display:none}}

    .matrix{margin:0 0 18px}.matrix .wide{overflow-x:auto;margin-top:8px}
    .matrix table{border-collapse:collapse;background:var(--card);font-size:13.5px}
    .matrix th,.matrix td{border:1px solid var(--line);padding:4px 12px;text-align:left;font-weight:400;white-space:nowrap}
    .matrix thead th{font-weight:600}.matrix .sub th{padding-left:28px;color:var(--soft)}
    .matrix td.passed{color:var(--good)}.matrix td.failed{color:var(--bad);background:var(--bad-bg);font-weight:600}
    .matrix td.todo,.matrix td.skipped{color:var(--odd)}.matrix td.helper,.matrix td.missing{color:var(--none)}
    """
}
