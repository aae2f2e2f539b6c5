// Location and notes where they stand: leaving the field or Enter saves, Escape takes it back.
// In notes Enter is a new line, Ctrl+Enter saves.

(() => {
  const form = document.getElementById('edits');
  if (!form) return;
  const token = JSON.parse(document.body.getAttribute('hx-headers:inherited') ?? '{}')['X-CSRFToken'];
  const saved = new Map();
  for (const field of form.elements) saved.set(field.name, field.value);

  async function save(field) {
    const value = field.value.trim();
    if (value === saved.get(field.name)) return;
    const note = document.getElementById(`${field.name}-note`);
    const mark = form.querySelector(`label[for="${field.name}"] .saved`);
    mark.hidden = true;
    let wrong = '';
    try {
      const answer = await fetch(`/drives/${form.dataset.drive}/edit`, {
        method: 'POST', headers: { Accept: 'application/json', 'X-CSRFToken': token }, body: new URLSearchParams({ [field.name]: value }),
      });
      const told = await answer.json().catch(() => ({}));
      if (!answer.ok) wrong = told.errors?.[field.name]?.join(' ') ?? told.reasons?.join(' ') ?? `The server answered ${answer.status}. Not saved.`;
    } catch {
      wrong = 'The server can’t be reached. Not saved.';
    }
    note.textContent = wrong;
    note.classList.toggle('error', Boolean(wrong));
    field.setAttribute('aria-invalid', String(Boolean(wrong)));
    if (wrong) return;
    saved.set(field.name, value);
    mark.hidden = false;
  }

  form.addEventListener('submit', (event) => event.preventDefault());
  form.addEventListener('focusout', (event) => { if (saved.has(event.target.name)) save(event.target); });
  form.addEventListener('keydown', (event) => {
    const field = event.target;
    if (event.key === 'Escape') {
      field.value = saved.get(field.name);
      field.blur();
    } else if (event.key === 'Enter' && (field.tagName === 'INPUT' || event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      save(field);
    }
  });
})();
