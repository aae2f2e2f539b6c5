// Ordering is the server's: the address gets the column, and the table is loaded again by it.
// Nothing else moves a row, neither a live change nor a table that is loaded again after something was
// missed: it would move under the pointer. When the order isn't right any more, a chip offers to sort again.

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
    let system, before;
    for (const row of document.querySelectorAll('#drives tr[data-state]:not([hidden])')) {
      if (row.dataset.system !== system) [system, before] = [row.dataset.system, -Infinity];
      const found = key(row);
      if (found === null || isAbsent(row)) continue;
      if (sign * found < before) return false;
      before = sign * found;
    }
    return true;
  }

  document.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const link = event.target.closest('#drives .sort, #stats [data-sort]');
    if (!link) return;
    event.preventDefault();
    sort(link.dataset.sort);
  });
  filter.elements.namedItem('sort').addEventListener('change', (event) => sort(event.target.value));
  chip.addEventListener('click', () => {
    document.getElementById('drives').dataset.sort = '';
    sort(chosen());
    filter.elements.namedItem('q').focus();
  });

  // A table in the same order as this one: its rows are put as they stand here, a new one behind the one
  // that it comes after.
  document.addEventListener('htmx:before:swap', ({ detail: { tasks } }) => {
    for (const { fragment } of tasks) {
      const table = fragment?.querySelector('#drives');
      if (table?.dataset.sort !== document.getElementById('drives')?.dataset.sort) continue;
      for (const { dataset } of table?.querySelectorAll('tbody.first') ?? []) keepOrder(table, dataset.system);
    }
  });

  function keepOrder(table, system) {
    const ofSystem = `tr[data-system="${system}"]`;
    const places = new Map([...document.querySelectorAll(`#drives ${ofSystem}`)].map((row, place) => [row.id, place]));
    let place = -1;
    const rows = [...table.querySelectorAll(ofSystem)].map((row) => ({ row, place: place = places.get(row.id) ?? place }));
    const gaps = rows.map(({ row }) => {
      const gap = document.createTextNode('');
      row.replaceWith(gap);
      return gap;
    });
    rows.sort((one, other) => one.place - other.place);
    gaps.forEach((gap, at) => gap.replaceWith(rows[at].row));
  }

  document.addEventListener('htmx:after:swap', () => { chip.hidden = isInOrder(); });
})();
