// The filters of History and Audit: a choice applies at once, text with Enter; `/` goes to the search.
// Empty fields stay out of the address. Without scripts there is a button for it, which the style sheet hides.

(() => {
  const form = document.querySelector('[data-filters]');
  if (!form) return;

  function apply() {
    const query = new URLSearchParams();
    for (const [name, value] of new FormData(form)) if (value) query.append(name, value);
    location.assign(form.action.split('?')[0] + (query.size ? `?${query}` : ''));
  }

  form.addEventListener('submit', (event) => { event.preventDefault(); apply(); });
  form.addEventListener('change', (event) => {
    // A date is typed in parts; each part that makes it whole is a change.
    if (event.target.matches('select') || (event.target.type === 'date' && !event.target.matches(':focus'))) apply();
  });
  form.addEventListener('focusout', (event) => {
    if (event.target.type === 'date' && event.target.value !== event.target.defaultValue) apply();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== '/' || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest('input, select, textarea, dialog')) return;
    event.preventDefault();
    form.elements.namedItem('q').focus();
  });
})();
