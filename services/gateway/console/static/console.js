// Keys of the console, and word of what changed on the page. Everything works without it too.
(() => {
  'use strict';
  const typing = (e) => /^(INPUT|SELECT|TEXTAREA)$/.test(e.target.tagName) || e.target.isContentEditable;
  const links = () => [...document.querySelectorAll('main .rows tbody tr')].filter((r) => r.offsetParent).map((r) => r.querySelector('th a, td a')).filter(Boolean);
  let waiting = false; // for the letter after g

  // move puts the focus on the next or previous row's first link.
  function move(step) {
    const all = links();
    if (!all.length) return;
    const row = document.activeElement?.closest?.('main .rows tbody tr');
    const at = row ? all.findIndex((a) => row.contains(a)) : -1;
    const next = at < 0 ? (step > 0 ? 0 : all.length - 1) : Math.min(all.length - 1, Math.max(0, at + step));
    all[next].focus();
    all[next].closest('tr').scrollIntoView({ block: 'nearest' });
  }

  document.addEventListener('keydown', (e) => {
    if (e.ctrlKey || e.metaKey || e.altKey) return;
    const menu = document.querySelector('.who[open]');
    if (menu && e.key === 'Escape') {
      menu.open = false;
      menu.querySelector('summary').focus();
      return;
    }
    if (typing(e)) {
      if (e.key === 'Escape') e.target.blur();
      return;
    }
    if (waiting) {
      waiting = false;
      const to = document.querySelector(`.menu a[data-key="${CSS.escape(e.key)}"]`);
      if (to) {
        e.preventDefault();
        to.click();
      }
      return;
    }
    switch (e.key) {
      case '/':
        e.preventDefault();
        document.getElementById('q')?.focus();
        break;
      case 'j':
        move(1);
        break;
      case 'k':
        move(-1);
        break;
      case 'g':
        waiting = true;
        break;
      case '?':
        document.getElementById('keys')?.showModal();
        break;
    }
  });

  // A filter changed a part of the page: say what is there now.
  document.addEventListener('htmx:after:swap', () => {
    const told = document.getElementById('told');
    const caption = document.querySelector('#content .listing caption');
    if (told && caption) told.textContent = caption.textContent.replace('Download CSV', '').trim();
  });
})();
