// What an answer or a live message changes. htmx names its targets before the swap, not after it;
// with these, a changed row costs the same whether the table has 5 drives or 500.

(() => {
  const targets = new WeakMap();
  document.addEventListener('htmx:before:swap', ({ detail: { ctx, tasks } }) => {
    const found = tasks.map(({ target }) => (typeof target === 'string' ? document.querySelector(target) : target));
    targets.set(ctx, found.filter(Boolean));
  });

  // For a listener of htmx:before:swap or htmx:after:swap: the elements, or the rows of drives alone.
  window.swapped = (event) => targets.get(event.detail.ctx) ?? [];
  window.swappedRows = (event) => window.swapped(event).flatMap((element) => (element.matches('tr[data-state]') ? [element] : [...element.querySelectorAll('tr[data-state]')]));
})();
