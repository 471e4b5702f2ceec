/// The page's script: search, filters, keys, theme. It makes no markup out of text.
enum PageScript {
  static let text = #"""
    'use strict';
    (() => {
      const $ = id => document.getElementById(id);
      const search = $('search'), files = [...document.querySelectorAll('.file')];
      const entries = files.map(file => ({
        file, status: file.dataset.status, name: file.querySelector('summary .name').textContent.toLowerCase(),
        wasOpen: file.open,
        own: [...file.children].filter(c => !c.matches('summary, .tests')).map(c => c.textContent).join('\n').toLowerCase(),
        tests: [...file.querySelectorAll('.test')].map(test => ({
          test, status: test.dataset.status, text: test.textContent.toLowerCase()
        }))
      }));
      const folds = [...document.querySelectorAll('details.more')].map(fold => ({
        fold, wasOpen: fold.open, text: fold.textContent.toLowerCase()
      }));
      const chips = [...document.querySelectorAll('.chip')];
      function apply() {
        const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
        const on = new Set(chips.filter(c => c.getAttribute('aria-pressed') === 'true').map(c => c.dataset.status));
        const all = on.size === chips.length && !words.length;
        let shownTests = 0, shownFiles = 0;
        for (const e of entries) {
          const inFile = words.filter(w => !e.name.includes(w));
          let any = false;
          for (const t of e.tests) {
            const show = on.has(t.status) && inFile.every(w => t.text.includes(w));
            if (t.test.hidden === show) t.test.hidden = !show;
            if (show) { any = true; shownTests++; }
          }
          const own = inFile.every(w => e.own.includes(w))
            && (on.has(e.status) || (e.status === 'helper' && on.size === chips.length))
            && (inFile.length || !e.tests.length || e.file.querySelector('.own'));
          const show = any || Boolean(own);
          if (e.file.hidden === show) e.file.hidden = !show;
          if (show) shownFiles++;
          if (words.length && show && inFile.length) e.file.open = true; else if (all) e.file.open = e.wasOpen;
        }
        // Open the parts that contain a search word.
        for (const f of folds) f.fold.open = f.wasOpen || words.some(w => f.text.includes(w));
        $('shown').textContent = shownTests + ' tests in ' + shownFiles + ' files';
        $('nothing').hidden = shownFiles > 0;
      }
      let timer = 0;
      search.addEventListener('input', () => { clearTimeout(timer); timer = setTimeout(apply, 90); });
      for (const chip of chips) chip.addEventListener('click', () => {
        chip.setAttribute('aria-pressed', String(chip.getAttribute('aria-pressed') !== 'true'));
        apply();
      });
      const toggle = open => { for (const e of entries) { e.file.open = open; e.wasOpen = open; } };
      $('expand').addEventListener('click', () => toggle(true));
      $('collapse').addEventListener('click', () => toggle(false));
      const failures = [...document.querySelectorAll('[data-failure]')];
      let at = -1;
      function step(by) {
        const seen = failures.filter(f => !f.hidden && !f.closest('.file').hidden);
        if (!seen.length) return;
        at = (at + by + seen.length) % seen.length;
        seen[at].closest('.file').open = true;
        seen[at].focus({preventScroll: true});
        seen[at].scrollIntoView({block: 'start'});
      }
      document.addEventListener('keydown', event => {
        if (event.ctrlKey || event.metaKey || event.altKey) return;
        if (event.key === 'Escape' && event.target === search) { search.value = ''; apply(); search.blur(); return; }
        if (event.target === search) return;
        if (event.key === '/') { event.preventDefault(); search.focus(); }
        if (event.key === 'n') step(1);
        if (event.key === 'p') step(at < 0 ? 0 : -1);
      });
      function reveal() {
        const target = location.hash.length > 1 && $(location.hash.slice(1));
        if (target && target.classList.contains('file')) { target.hidden = false; target.open = true; target.scrollIntoView(); }
      }
      addEventListener('hashchange', reveal);
      const root = document.documentElement, key = 'provium-theme';
      const stored = () => { try { return localStorage.getItem(key); } catch { return null; } };
      if (stored() === 'dark' || stored() === 'light') root.dataset.theme = stored();
      $('theme').addEventListener('click', () => {
        const dark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
        root.dataset.theme = dark ? 'light' : 'dark';
        try { localStorage.setItem(key, root.dataset.theme); } catch {}
      });
      apply();
      reveal();
    })();

    """#
}
