// Which drives are selected, and the batch bar that takes the place of the filter row meanwhile.
// The checkboxes are the truth: a morph leaves them ticked, one that gets disabled is let go.

(() => {
  const filter = document.getElementById('filter');
  const batch = document.getElementById('batch');
  const table = document.getElementById('table-wrap');
  if (!batch) return;
  let last = null;

  const FREE = 'tr[data-state]:not([hidden]) .pick input:enabled';
  // Where the rows are that this box stands for: all, or those of the system whose line it is in.
  const rootsOf = (all) => {
    const system = all.closest('tbody')?.dataset.system;
    return system ? [...document.getElementById('drives').tBodies].filter((body) => body.dataset.system === system) : [table];
  };
  const boxesIn = (roots) => roots.flatMap((root) => [...root.querySelectorAll(FREE)]);
  const ticked = () => [...table.querySelectorAll('tr[data-state] .pick input:checked')];

  // Also at each live update. It ticks nothing by itself, so where nothing was ticked no row is looked
  // at but the first that is free: all 500 would cost more than the update does.
  function show({ type } = {}) {
    if (type && batch.hidden) return markAll([]);
    const gone = ticked().filter((box) => box.disabled);
    for (const box of gone) box.checked = false;
    if (gone.length) {
      const names = gone.map((box) => box.closest('tr').querySelector('.drive').firstElementChild.textContent);
      document.getElementById('said').textContent = `${names.join(', ')} left the selection.`;
    }
    const chosen = ticked();
    markAll(chosen);
    const had = document.activeElement;
    // Only on a wide screen: on a phone the bar is a sheet, and the list must not jump under a thumb.
    filter.classList.toggle('away', chosen.length > 0);
    batch.hidden = chosen.length === 0;
    document.documentElement.classList.toggle('selecting', chosen.length > 0);
    // Whoever had the focus in the bar that went away is not lost at the top of the page.
    if (batch.contains(had) && batch.hidden) filter.elements.namedItem('q').focus();
    if (!chosen.length) return;
    const bytes = chosen.reduce((sum, box) => sum + Number(box.closest('tr').dataset.bytes), 0);
    const unseen = chosen.filter((box) => box.closest('tr').hidden).length;
    say('batch-count', `${chosen.length} selected${unseen ? `, ${unseen} of them hidden by the filters` : ''}`);
    say('batch-size', window.size(bytes));
    say('batch-burn-in', chosen.length === 1 ? 'Burn in 1 drive…' : `Burn in ${chosen.length} drives…`);
    document.getElementById('batch-drives').value = chosen.map((box) => box.value).join(',');
  }

  function markAll(chosen) {
    const lines = [...document.getElementById('drives').tBodies].filter((body) => body.matches('.first'));
    for (const all of [document.getElementById('pick-all'), ...lines.map((body) => body.querySelector('.pick input'))]) {
      const roots = rootsOf(all);
      const free = chosen.length ? boxesIn(roots) : [];
      const count = free.filter((box) => box.checked).length;
      all.checked = count > 0 && count === free.length;
      all.indeterminate = count > 0 && count < free.length;
      all.disabled = !roots.some((root) => root.querySelector(FREE));
    }
  }

  function say(id, words) {
    const element = document.getElementById(id);
    if (element.textContent !== words) element.textContent = words;
  }

  table.addEventListener('click', (event) => {
    const cell = event.target.closest('.pick');
    if (!cell) return;
    const box = cell.querySelector('input');
    const row = cell.closest('tr[data-state]');
    if (box.disabled) {
      if (cell.title) document.dispatchEvent(new CustomEvent('toast', { detail: `${row.querySelector('.drive').firstElementChild.textContent} can’t be selected. ${cell.title}` }));
      return;
    }
    // The whole cell is the target, for thumbs.
    if (event.target !== box) { box.checked = !box.checked; }
    if (!row) for (const each of boxesIn(rootsOf(box))) each.checked = box.checked;
    else {
      const free = boxesIn([table]);
      const from = event.shiftKey && last ? free.indexOf(last) : -1;
      if (from >= 0) {
        const [start, end] = [from, free.indexOf(box)].sort((a, b) => a - b);
        for (const each of free.slice(start, end + 1)) each.checked = box.checked;
      }
      last = box;
    }
    show();
  });
  document.getElementById('batch-clear').addEventListener('click', () => {
    for (const box of ticked()) box.checked = false;
    show();
  });
  document.addEventListener('batch:done', () => {
    for (const box of ticked()) box.checked = false;
    show();
  });
  // Also after each swap. What a filter hides stays selected: the count and the chips in the bar say so.
  document.addEventListener('table:filtered', show);
  show();
})();
