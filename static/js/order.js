// Ordering is the server's: the address gets the column, and the table is loaded again by it.
// A live change never moves a row; when the order isn't right any more, a chip offers to sort again.

(() => {
  const filter = document.getElementById('filter');
  if (!filter) return;
  const chip = document.getElementById('resort');
  const chosen = () => new URLSearchParams(location.search).get('sort') || 'drive';
  const STANDINGS = ['idle', 'running', 'queued', 'passed', 'failed', 'attention'];
  const number = (text) => { const found = Number.parseFloat(text); return Number.isNaN(found) ? null : found; };
  const text = (row, name) => row.querySelector(`.${name}`).textContent.trim();

  // Only what changes while one looks at it; the same keys as COLUMNS in dashboard/filters.py.
  const KEYS = {
    temp: (row) => number(text(row, 'temp')),
    health: (row) => ['Failed', 'OK', '–'].indexOf(text(row, 'health')),
    burnin: (row) => STANDINGS.indexOf(row.dataset.state) * 1000 + (number(row.querySelector('progress')?.getAttribute('value')) ?? 0),
  };

  // Absent drives stand last, whatever the order.
  const isAbsent = (row) => row.querySelector('.burn').dataset.says.startsWith('absent');

  function sort(by) {
    const query = new URLSearchParams(location.search);
    query.set('sort', by);
    history.replaceState(null, '', `${location.pathname}?${query}`);
    chip.hidden = true;
    document.dispatchEvent(new Event('table:reload'));
  }

  function isInOrder() {
    const by = chosen();
    const key = KEYS[by.replace('-', '')];
    if (!key) return true;
    const sign = by.startsWith('-') ? -1 : 1;
    return [...document.querySelectorAll('#drives tbody')].every((body) => {
      let before = -Infinity;
      for (const row of body.querySelectorAll('tr[data-state]:not([hidden])')) {
        const found = key(row);
        if (found === null || isAbsent(row)) continue;
        if (sign * found < before) return false;
        before = sign * found;
      }
      return true;
    });
  }

  document.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest('#drives .sort, #stats [data-sort]');
    if (!link) return;
    event.preventDefault();
    sort(link.dataset.sort);
  });
  filter.elements.namedItem('sort').addEventListener('change', (event) => sort(event.target.value));
  chip.addEventListener('click', () => { sort(chosen()); filter.elements.namedItem('q').focus(); });
  document.addEventListener('htmx:after:swap', () => { chip.hidden = isInOrder(); });
})();
