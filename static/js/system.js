// The page on which a system is added: what doesn't concern its kind is hidden, a test says that it
// is under way, and Enter doesn't save before the last step.

(() => {
  const form = document.getElementById('system-form');
  if (!form) return;

  function fit() {
    const plain = form.elements.kind.value === 'host';
    const local = plain && form.elements.is_local.checked;
    for (const part of form.querySelectorAll('[data-of="api"]')) part.hidden = plain;
    for (const part of form.querySelectorAll('[data-of="host"]')) part.hidden = !plain;
    for (const part of form.querySelectorAll('[data-of="ssh"]')) part.hidden = local;
  }
  form.addEventListener('change', fit);
  fit();

  form.addEventListener('keydown', (event) => {
    if (event.key === 'Enter' && event.target.matches('.input')) event.preventDefault();
  });
  // Of two keys the newly shown one counts, and only once it was compared.
  document.addEventListener('htmx:after:swap', () => {
    if (form.querySelector('#key-found [name="ssh_host_key"]')) {
      for (const kept of form.querySelectorAll('[data-kept]')) kept.remove();
    }
  });

  document.addEventListener('htmx:before:request', (event) => {
    const button = event.detail.ctx.sourceElement;
    if (!button.dataset?.trying) return;
    button.disabled = true;
    document.getElementById(button.dataset.trying).textContent = 'Asking…';
  });
  document.addEventListener('htmx:finally:request', (event) => {
    const button = event.detail.ctx.sourceElement;
    if (!button.dataset?.trying) return;
    button.disabled = false;
    const place = document.getElementById(button.dataset.trying);
    if (place.textContent === 'Asking…') place.textContent = 'The server can’t be reached. Nothing was saved.';
  });
})();
