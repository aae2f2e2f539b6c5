// The start and the batch dialog: how long the chosen stages take, and the red button only when
// nothing is missing any more. The server asks for the same again, whatever this file does.

(() => {
  const formOf = (element) => element?.closest?.('form.plan');

  function judge(form) {
    const stages = [...form.querySelectorAll('[data-stage]')];
    stages.forEach((stage, place) => {
      stage.querySelector('[data-move="-1"]').disabled = place === 0;
      stage.querySelector('[data-move="1"]').disabled = place === stages.length - 1;
    });
    const chosen = stages.filter((stage) => stage.querySelector('[name=stages]').checked);
    const quick = form.querySelector('[data-quick]').checked;
    const destroys = quick || chosen.some((stage) => 'destroys' in stage.dataset);
    form.classList.toggle('quick', quick);
    form.querySelector('#no-stage').hidden = chosen.length > 0;
    estimate(form, stages, chosen, quick, destroys);
    const button = form.querySelector('[data-start]');
    if (button) {
      button.disabled = (!quick && chosen.length === 0) || !(form.matches('.batch-form') ? judgeBatch(form, destroys) : judgeOne(form, destroys));
      button.classList.toggle('danger', destroys);
      button.classList.toggle('primary', !destroys);
    }
    const note = form.querySelector('[data-harmless]');
    if (note) note.hidden = destroys;
  }

  // --- one drive: its serial typed, the guard's answer there, old data released ------------------
  function judgeOne(form, destroys) {
    const typed = form.elements.namedItem('serial').value.trim();
    const hint = form.querySelector('.hint');
    if (hint) hint.textContent = hintFor(typed, form.dataset.serial);
    const releases = [...form.querySelectorAll('[name=release]')];
    const released = releases.length > 0 && releases.every((release) => release.checked);
    const asked = released || Boolean(form.querySelector('[data-clear-of-data]'));
    return !destroys || (typed !== '' && typed === form.dataset.serial && asked);
  }

  function hintFor(typed, wanted) {
    if (typed === wanted) return 'This is the serial number.';
    if (wanted.startsWith(typed)) return `${typed.length} of ${wanted.length} characters`;
    return 'This is not the serial number of this drive.';
  }

  // --- many drives: which of them are ready, and the one tick ------------------------------------
  function judgeBatch(form, destroys) {
    const drives = [...form.querySelectorAll('[data-drive]')];
    const asked = drives.length > 0 && !form.querySelector('[aria-busy]');
    // Until the hosts have answered, the server's words stand: all of them, and none is judged.
    if (!asked && destroys) return false;
    const ready = drives.filter((drive) => isReady(drive, destroys));
    for (const drive of drives) {
      const box = drive.querySelector('[data-release-box]');
      if (box) box.hidden = !destroys;
      const verdict = drive.querySelector('[data-harmless-verdict]');
      if (verdict) {
        verdict.hidden = destroys;
        drive.querySelector('[data-verdict]').hidden = !destroys;
      }
      if (!asked) continue;
      drive.className = ready.includes(drive) ? 'pass' : drive.querySelector('[data-release-box]') && destroys ? 'warn' : 'fail';
      drive.querySelector('use').setAttribute('href', ready.includes(drive) ? '#i-check' : drive.className === 'warn' ? '#i-warn' : '#i-lock');
    }
    const bytes = ready.reduce((sum, drive) => sum + Number(drive.dataset.bytes), 0);
    const words = `${ready.length} drive${ready.length === 1 ? '' : 's'}`;
    const say = (name, text) => { for (const place of form.querySelectorAll(`[data-says-${name}]`)) place.textContent = text; };
    const old = drives.filter((drive) => drive.className === 'warn').length;
    say('tally', `${ready.length} ready, ${old ? `${old} with old data, ` : ''}${drives.length - ready.length - old} refused`);
    say('drives', words);
    say('size', window.size(bytes));
    say('burn-ins', `${ready.length} burn-in${ready.length === 1 ? '' : 's'}`);
    form.elements.namedItem('drives').value = ready.map((drive) => drive.dataset.drive).join(',');
    // One drive alone is confirmed by its serial, in its own dialog.
    const alone = destroys && asked && ready.length === 1;
    form.classList.toggle('none-ready', asked && ready.length === 0);
    form.classList.toggle('one-ready', alone);
    const link = form.querySelector('[data-alone]');
    if (alone && link && link.getAttribute('hx-get') !== `/drives/${ready[0].dataset.drive}/start`) {
      link.setAttribute('hx-get', `/drives/${ready[0].dataset.drive}/start`);
      htmx.process(link);
    }
    return ready.length > 0 && (!destroys || (asked && !alone && form.elements.namedItem('confirmed').checked));
  }

  function isReady(drive, destroys) {
    if ('refused' in drive.dataset) return false;
    if (!destroys || 'clear' in drive.dataset) return true;
    const serial = drive.querySelector('[data-release-serial]');
    const ticks = [...drive.querySelectorAll('[data-release-tick]')];
    return Boolean(serial && ticks.every((tick) => tick.checked) && serial.value.trim() === serial.dataset.releaseSerial);
  }

  // --- how long it takes ---------------------------------------------------------------------------
  function estimate(form, stages, chosen, quick, destroys) {
    const select = form.elements.namedItem('passes');
    const passes = Number(select.value || select.dataset.usual);
    const seconds = (stage) => Number(stage.dataset.seconds ?? 0) * ('perPass' in stage.dataset ? passes : 1);
    for (const stage of stages) stage.querySelector('.est').textContent = window.duration(seconds(stage));
    const whole = form.querySelector('[data-says-whole]');
    const total = quick ? Number(form.querySelector('[data-quick]').dataset.seconds) : chosen.reduce((sum, stage) => sum + seconds(stage), 20);
    if (whole) whole.textContent = window.duration(total);
    const wear = form.querySelector('[data-wear]');
    if (wear) wear.hidden = quick || !destroys;
  }

  for (const name of ['input', 'change']) {
    document.addEventListener(name, (event) => { const form = formOf(event.target); if (form) judge(form); });
  }
  // Asking a whole shelf takes a while: said on the button, which is not pressed twice.
  document.addEventListener('htmx:before:request', (event) => {
    const button = event.detail.ctx.sourceElement.matches('#dialog :is(form.plan, [action^="/batch"])')
      && event.detail.ctx.sourceElement.querySelector('.dialog-foot button');
    if (!button) return;
    button.before = button.textContent;
    button.textContent = 'Asking the drives’ hosts…';
    button.disabled = true;
  });
  document.addEventListener('htmx:error', () => {
    for (const button of document.querySelectorAll('.dialog-foot button:disabled')) {
      if (!button.before) continue;
      button.textContent = button.before;
      button.disabled = false;
    }
    judgeAll();
  });
  function judgeAll(root = document) {
    for (const form of root.querySelectorAll('form.plan')) judge(form);
  }
  // Not all of the page at each live update: its table alone has 30,000 elements.
  document.addEventListener('htmx:after:swap', (event) => {
    for (const part of [document.getElementById('dialog'), ...window.swapped(event)]) {
      const form = formOf(part);
      if (form) judge(form); else judgeAll(part);
    }
  });
  judgeAll();
})();
