// The filter of the drives table: all rows are in the page, those that don't match are hidden.
// dashboard/filters.py judges in the same way for the first answer.

(() => {
  const form = document.getElementById('filter');
  if (!form) return;
  const field = (name) => form.elements.namedItem(name);

  function apply() {
    const text = field('q').value.trim().toLowerCase();
    const words = text.split(/\s+/).filter(Boolean);
    const system = field('system')?.value ?? '';
    const state = field('state').value;
    let total = 0, shown = 0;
    for (const body of document.querySelectorAll('#drives tbody')) {
      let here = 0, of = 0;
      for (const row of body.querySelectorAll('tr[data-state]')) {
        const fits = (!state || row.dataset.state === state) && (!system || row.dataset.system === system)
          && words.every((word) => row.dataset.search.includes(word));
        row.hidden = !fits;
        here += fits;
        of += 1;
      }
      const group = body.querySelector('.group');
      if (group) group.hidden = of > 0 && here === 0;
      total += of;
      shown += here;
    }
    const chosen = Boolean(text || system || state);
    const drives = `${total} drive${total === 1 ? '' : 's'}`;
    say(document.getElementById('count'), chosen ? `${shown} of ${drives}` : drives);
    document.getElementById('clear').hidden = !chosen;
    document.getElementById('nothing').hidden = shown > 0 || total === 0;
    document.getElementById('none').hidden = total > 0;
    for (const tile of document.querySelectorAll('#stats [data-state]')) {
      if (state && tile.dataset.state === state) tile.setAttribute('aria-current', 'true');
      else tile.removeAttribute('aria-current');
    }
    const query = new URLSearchParams();
    const sort = new URLSearchParams(location.search).get('sort') ?? '';
    for (const [name, value] of [['sort', sort], ['q', text && field('q').value.trim()], ['system', system], ['state', state]]) {
      if (value) query.set(name, value);
    }
    const address = location.pathname + (query.size ? `?${query}` : '') + location.hash;
    if (address !== location.pathname + location.search + location.hash) history.replaceState(null, '', address);
  }

  function say(element, text) {
    if (element.textContent !== text) element.textContent = text;
  }

  form.addEventListener('submit', (event) => { event.preventDefault(); apply(); });
  form.addEventListener('input', apply);
  document.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest('#stats a[data-state], #banners a[href^="?state="], #clear, [data-clear]');
    if (!link) return;
    event.preventDefault();
    const query = new URL(link.href).searchParams;
    field('state').value = link.dataset.state ?? query.get('state') ?? '';
    if (link.matches('#clear, [data-clear]')) {
      field('q').value = '';
      if (field('system')) field('system').value = '';
      field('q').focus();
    }
    apply();
  });
  // Ordering is the server's: the address gets the column, and the table is loaded again by it.
  document.addEventListener('click', (event) => {
    const link = event.target.closest('#drives .sort');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const query = new URLSearchParams(location.search);
    query.set('sort', link.dataset.sort);
    history.replaceState(null, '', `${location.pathname}?${query}`);
    document.dispatchEvent(new Event('table:reload'));
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest('input, select, textarea, dialog')) return;
    event.preventDefault();
    field('q').focus();
  });
  document.addEventListener('htmx:after:swap', apply);
  apply();
})();
