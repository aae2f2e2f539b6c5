// The filter of the drives table: all rows are in the page, those that don't match are hidden.
// dashboard/filters.py judges in the same way for the first answer.

(() => {
  const form = document.getElementById('filter');
  if (!form) return;
  const field = (name) => form.elements.namedItem(name);
  const value = (name) => field(name)?.value ?? '';
  const FIELDS = ['q', 'system', 'state', 'model'];

  // Judges these rows, all unless told, and says what is shown now.
  function apply(rows = document.querySelectorAll('#drives tr[data-state]')) {
    const words = value('q').trim().toLowerCase().split(/\s+/).filter(Boolean);
    const [, system, state, model] = FIELDS.map(value);
    for (const row of rows) {
      const { dataset } = row;
      const fits = (!state || dataset.state === state) && (!system || dataset.system === system)
        && (!model || dataset.model === model) && words.every((word) => dataset.search.includes(word));
      if (row.hidden === fits) row.hidden = !fits;
      offer(dataset.model);
    }
    // A system's rows are in several bodies; the first row of its first body is its own line.
    const systems = [];
    for (const body of document.getElementById('drives').tBodies) {
      if (body.matches('.first')) systems.push({ body, rows: -1, shown: -1 });
      const one = systems.at(-1);
      let here = 0;
      for (const row of body.rows) if (!row.hidden) here += 1;
      one.rows += body.rows.length;
      one.shown += here;
      body.hidden = here === 0;
      // Its height while it is out of sight.
      if (body.dataset.shown !== `${here}`) body.dataset.shown = here;
      // The line is sent alone.
      body.classList.toggle('stale', one.body.rows[0].matches('.stale'));
    }
    let total = 0, shown = 0;
    for (const one of systems) {
      one.body.hidden = one.rows > 0 && one.shown === 0;
      total += one.rows;
      shown += one.shown;
    }
    const chosen = names();
    const drives = `${total} drive${total === 1 ? '' : 's'}`;
    say(document.getElementById('count'), chosen.length ? `${shown} of ${drives}` : drives);
    for (const id of ['chips', 'batch-chips']) showChips(document.getElementById(id), chosen);
    document.getElementById('nothing').hidden = shown > 0 || total === 0;
    say(document.getElementById('nothing-what'), `No drive matches ${chosen.map(([, words]) => words).join(', ')}`);
    document.getElementById('none').hidden = total > 0;
    for (const tile of document.querySelectorAll('#stats [data-state]')) {
      if (state && tile.dataset.state === state) tile.setAttribute('aria-current', 'true');
      else tile.removeAttribute('aria-current');
    }
    const query = new URLSearchParams();
    const sort = new URLSearchParams(location.search).get('sort') ?? '';
    for (const [name, text] of [['sort', sort], ...FIELDS.map((name) => [name, value(name).trim()])]) {
      if (text) query.set(name, text);
    }
    const address = location.pathname + (query.size ? `?${query}` : '') + location.hash;
    if (address !== location.pathname + location.search + location.hash) history.replaceState(null, '', address);
    document.dispatchEvent(new Event('table:filtered'));
  }

  // What is chosen, as [field, words].
  function names() {
    return FIELDS.map((name) => {
      const text = value(name).trim();
      return [name, name === 'q' ? text && `“${text}”` : text && field(name).selectedOptions[0].text];
    }).filter(([, words]) => words);
  }

  function showChips(place, chosen) {
    const wanted = JSON.stringify(chosen);
    if (place.dataset.shown === wanted) return;
    place.dataset.shown = wanted;
    place.replaceChildren(...chosen.map(([name, words]) => {
      const chip = document.createElement('button');
      chip.type = 'button';
      chip.className = 'chip';
      chip.dataset.drop = name;
      chip.setAttribute('aria-label', `${words}, remove this filter`);
      chip.innerHTML = '<span></span><svg class="icon" aria-hidden="true"><use href="#i-x"/></svg>';
      chip.firstChild.textContent = words;
      return chip;
    }));
  }

  // A model that came after the page was made.
  const known = new Set([...(field('model')?.options ?? [])].map((option) => option.value));
  function offer(model) {
    if (!model || known.has(model)) return;
    known.add(model);
    field('model').add(new Option(model, model));
  }

  function say(element, words) {
    if (element.textContent !== words) element.textContent = words;
  }

  const clear = (...fields) => { for (const name of fields) if (field(name)) field(name).value = ''; };

  form.addEventListener('submit', (event) => { event.preventDefault(); apply(); });
  form.addEventListener('input', (event) => { if (event.target.name !== 'sort') apply(); });
  document.addEventListener('click', (event) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey) return;
    const chip = event.target.closest('[data-drop]');
    const link = event.target.closest('#stats a[data-state], #banners a[href^="?"], [data-clear]');
    if (chip) clear(chip.dataset.drop);
    else if (link?.matches('[data-clear]')) clear(...FIELDS);
    else if (link) {
      const query = new URL(link.href).searchParams;
      if (query.get('system') && field('system')) field('system').value = query.get('system');
      const state = link.dataset.state ?? query.get('state') ?? '';
      // A tile that is on is off by a second click.
      field('state').value = link.dataset.state && field('state').value === state ? '' : state;
    } else return;
    event.preventDefault();
    apply();
    if (!link || link.matches('[data-clear]')) field('q').focus();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest('input:not([type=checkbox]), select, textarea, dialog')) return;
    event.preventDefault();
    if (!form.checkVisibility()) document.getElementById('batch-clear').focus();
    else field('q').focus();
  });
  document.addEventListener('htmx:after:swap', (event) => apply(window.swappedRows(event)));
  apply();
})();
