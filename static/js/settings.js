// Saves each field of the Settings page as soon as it is left: Enter saves too, Escape takes back.
// A test waits for what is still being saved.

(() => {
  const page = document.getElementById('settings');
  if (!page) return;
  const token = JSON.parse(document.body.getAttribute('hx-headers:inherited') ?? '{}')['X-CSRFToken'];
  const saved = new Map();
  const pending = new Set();
  for (const input of page.querySelectorAll('[data-field] .input')) saved.set(input.name, input.value);

  async function post(address, body) {
    try {
      const answer = await fetch(address, { method: 'POST', headers: { Accept: 'application/json', 'X-CSRFToken': token }, body });
      return [answer.status, await answer.json().catch(() => ({}))];
    } catch {
      return [0, {}];
    }
  }

  function note(field, words) {
    const place = field.querySelector('[id$="-note"]');
    const icon = words && !field.matches('.switch') ? '<svg class="icon" aria-hidden="true"><use href="#i-warn"/></svg>' : '';
    place.innerHTML = icon;
    const text = document.createElement('span');
    text.textContent = words || place.dataset.hint;
    place.append(text);
    if (place.tagName === 'P') place.className = words ? 'error' : 'hint';
    else place.classList.toggle('error', Boolean(words));
    if (words) place.setAttribute('role', 'alert'); else place.removeAttribute('role');
    for (const input of field.querySelectorAll('input:not([type="hidden"]), select')) {
      if (words) input.setAttribute('aria-invalid', 'true'); else input.removeAttribute('aria-invalid');
    }
  }

  async function save(field, clear) {
    const name = field.dataset.field;
    const body = new URLSearchParams([['shown', name]]);
    if (clear) { body.append('clear', ''); body.append(name, ''); }
    else for (const input of field.querySelectorAll(`[name="${name}"]`)) {
      if (input.type !== 'checkbox' || input.checked) body.append(name, input.value);
    }
    const mark = field.querySelector('.saved');
    mark.hidden = true;
    const [status, told] = await post('/settings', body);
    if (status === 422) return note(field, `${Object.values(told.errors).flat().join('. ')}. Not saved; the former value is kept.`);
    if (status !== 200) return note(field, told.reasons?.join(' ') ?? (status ? `The server answered ${status}. Not saved.` : 'The server can’t be reached. Not saved.'));
    note(field, '');
    mark.hidden = false;
    const input = field.querySelector('.input');
    if (input) {
      input.value = told.values[name] ?? '';
      saved.set(name, input.value);
      if (input.dataset.secret !== undefined) {
        input.placeholder = clear ? '' : 'Set just now. Type to replace';
        field.querySelector('.clear').hidden = Boolean(clear);
      }
    }
    const differ = document.getElementById('differ');
    differ.textContent = told.changed ? `${told.changed} ${told.changed === 1 ? 'differs' : 'differ'} from the environment’s defaults.` : 'All are the environment’s defaults.';
    return undefined;
  }

  function start(field, clear) {
    const work = save(field, clear).finally(() => pending.delete(work));
    pending.add(work);
    return work;
  }

  // What was refused for the sake of another field may do now.
  async function saveAll(field) {
    const others = [...page.querySelectorAll('[data-field]:has([aria-invalid])')].filter((one) => one !== field);
    await start(field);
    if (!field.querySelector('[aria-invalid]')) for (const other of others) await start(other);
  }

  page.addEventListener('change', (event) => {
    const field = event.target.closest('[data-field]');
    if (field) saveAll(field);
  });
  page.addEventListener('keydown', (event) => {
    if (event.key !== 'Escape' || !saved.has(event.target.name)) return;
    event.target.value = saved.get(event.target.name);
    note(event.target.closest('[data-field]'), '');
  });
  page.addEventListener('click', (event) => {
    const button = event.target.closest('[data-clear]');
    if (button) start(button.closest('[data-field]'), true);
  });

  page.addEventListener('submit', async (event) => {
    const { submitter, target } = event;
    if (target.closest('#unsent')) return;
    event.preventDefault();
    if (!submitter?.dataset.test) return document.activeElement?.blur();
    const box = document.getElementById(`${submitter.dataset.test}-answer`);
    const words = box.querySelector('p');
    const buttons = target.querySelectorAll('button');
    for (const button of buttons) button.disabled = true;
    box.hidden = false;
    box.className = 'answer-box calm';
    words.textContent = 'Trying…';
    await Promise.all(pending);
    const [status, told] = await post(submitter.getAttribute('formaction'), new URLSearchParams());
    box.className = `answer-box ${told.ok ? 'pass' : 'fail'}`;
    words.textContent = told.words ?? told.reasons?.join(' ') ?? (status ? `The server answered ${status}.` : 'The server can’t be reached.');
    for (const button of buttons) button.disabled = false;
    submitter.focus();
    return undefined;
  });
})();
