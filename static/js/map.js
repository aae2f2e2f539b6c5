// The latency map: pointer, touch or arrow keys tell of a region what stands in `data-cells`
// (dashboard/surface.py, which writes the first readout in the same words).

(() => {
  const CELL = 16, COLUMNS = 64, REGIONS = 1024;
  const STEPS = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -COLUMNS, ArrowDown: COLUMNS, PageUp: -4 * COLUMNS, PageDown: 4 * COLUMNS };
  const grouped = new Intl.NumberFormat('en-GB');
  const cells = new WeakMap();
  const chosen = new Map(); // by a map's name: where somebody has put its cursor

  const rounded = (value) => (value >= 10 ? grouped.format(Math.round(value)) : value.toFixed(1));
  const ms = (value) => (value >= 10000 ? `${(value / 1000).toFixed(1)} s` : `${rounded(value)} ms`);

  function known(map) {
    if (cells.get(map)?.text !== map.dataset.cells) cells.set(map, { text: map.dataset.cells, rows: JSON.parse(map.dataset.cells) });
    return cells.get(map).rows;
  }

  function words(map, place) {
    const sectors = Number(map.dataset.sectors);
    const first = Math.floor((place * sectors) / REGIONS);
    const last = Math.floor(((place + 1) * sectors) / REGIONS) - 1;
    const told = [[`LBA ${grouped.format(first)} – ${grouped.format(last)}`, '']];
    const cell = known(map)[place];
    if (!cell) return [...told, ['not reached', ''], ['no errors', '']];
    const [mean, most, rate, errors, earlier] = cell;
    if (mean) told.push([`mean ${ms(mean)}`, ''], [`max ${ms(most)}`, ''], [`${rounded(rate)} MB/s`, '']);
    told.push(errors ? [`${errors} bad range${errors === 1 ? '' : 's'}`, 'fail'] : ['no errors', '']);
    if (earlier) told.push([`earlier run ${ms(earlier)}`, '']);
    return told;
  }

  function show(map, wanted) {
    const place = Math.min(REGIONS - 1, Math.max(0, wanted));
    chosen.set(map.getAttribute('aria-label'), place);
    const cursor = map.querySelector('.cursor');
    cursor.setAttribute('x', (place % COLUMNS) * CELL - 1.5);
    cursor.setAttribute('y', Math.floor(place / COLUMNS) * CELL - 1.5);
    const told = words(map, place);
    map.setAttribute('aria-valuenow', place + 1);
    map.setAttribute('aria-valuetext', `Region ${grouped.format(place + 1)} of 1,024, ${told.map(([text]) => text).join(', ')}`);
    const head = document.createElement('b');
    head.textContent = `Region ${grouped.format(place + 1)}`;
    map.parentElement.querySelector('.readout').replaceChildren(head, ...told.map(([text, style]) => {
      const part = document.createElement('span');
      part.textContent = text;
      if (style) part.className = style;
      return part;
    }));
  }

  const mapOf = (event) => event.target.closest?.('.map[data-cells]');

  document.addEventListener('keydown', (event) => {
    const map = mapOf(event);
    if (!map || event.ctrlKey || event.metaKey || event.altKey) return;
    const now = Number(map.getAttribute('aria-valuenow')) - 1;
    const wanted = { Home: 0, End: REGIONS - 1 }[event.key] ?? (event.key in STEPS ? now + STEPS[event.key] : null);
    if (wanted === null) return;
    event.preventDefault();
    show(map, wanted);
  });
  // The phase that is shown stands in the address, so that a page that changes or is loaded again keeps it.
  document.addEventListener('click', (event) => {
    const tab = event.target.closest?.('#surface .tabs a');
    if (tab && !event.ctrlKey && !event.metaKey && !event.shiftKey) history.replaceState(null, '', tab.search);
  });
  // What the server sends has its own cursor.
  document.addEventListener('htmx:after:swap', () => {
    for (const map of document.querySelectorAll('.map[data-cells]')) {
      const place = chosen.get(map.getAttribute('aria-label'));
      if (place !== undefined) show(map, place);
    }
  });
  // A pointer that rests is told of again whenever the page moves under it; the keys go on then.
  let rested = '';
  for (const kind of ['pointermove', 'pointerdown']) {
    document.addEventListener(kind, (event) => {
      const rests = rested === `${event.clientX} ${event.clientY}`;
      rested = `${event.clientX} ${event.clientY}`;
      const map = mapOf(event);
      if (!map || (rests && kind === 'pointermove')) return;
      const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(map.getScreenCTM().inverse());
      const column = Math.min(COLUMNS - 1, Math.max(0, Math.floor(point.x / CELL)));
      show(map, Math.min(15, Math.max(0, Math.floor(point.y / CELL))) * COLUMNS + column);
    });
  }
})();
