// The location of a drive, edited where it stands: click, Enter or leaving saves, Escape restores.
// The field lies over the cell and not in it, so a live update of the row can't take it away.

(() => {
  const wrap = document.getElementById('table-wrap');
  if (!wrap) return;
  let field = null, row = null;

  function open(place) {
    row = place.closest('tr');
    field = document.createElement('input');
    field.className = 'input place-field';
    field.maxLength = 100;
    field.autocomplete = 'off';
    field.value = place.textContent;
    field.setAttribute('aria-label', `Location of ${place.parentElement.firstElementChild.textContent}`);
    const cell = place.getBoundingClientRect();
    const frame = wrap.getBoundingClientRect();
    field.style.left = `${cell.left - frame.left + wrap.scrollLeft - 6}px`;
    field.style.top = `${cell.top - frame.top + wrap.scrollTop - 6}px`;
    field.before = field.value;
    wrap.append(field);
    field.focus();
    field.select();
    field.addEventListener('blur', () => close(true));
    field.addEventListener('keydown', (event) => {
      if (event.key !== 'Enter' && event.key !== 'Escape') return;
      event.preventDefault();
      event.stopPropagation();
      close(event.key === 'Enter', true);
    });
  }

  function close(saves, byKey = false) {
    if (!field) return;
    const [here, wanted, before] = [row, field.value.trim(), field.before];
    const old = field;
    field = null;
    old.remove();
    if (byKey) here.querySelector('.drive a')?.focus();
    if (saves && wanted !== before) {
      const id = here.id.replace('drive-', '');
      htmx.ajax('POST', `/drives/${id}/edit`, { source: here.querySelector('[data-place]'), target: '#dialog', swap: 'innerHTML', values: { location: wanted } });
    }
  }

  wrap.addEventListener('click', (event) => {
    const place = event.target.closest('[data-place]');
    if (place && document.body.dataset.role !== 'viewer') open(place);
  });
})();
