// The start dialog: order by ↑ ↓, and the red button only when nothing is missing any more.
// The server asks for the same again, whatever this file does.

(() => {
  const formOf = (element) => element?.closest?.('form.start');

  function judge(form) {
    const stages = [...form.querySelectorAll('[data-stage]')];
    stages.forEach((stage, place) => {
      stage.querySelector('[data-move="-1"]').disabled = place === 0;
      stage.querySelector('[data-move="1"]').disabled = place === stages.length - 1;
    });
    const chosen = stages.filter((stage) => stage.querySelector('[name=stages]').checked);
    const destroys = form.querySelector('[data-destroys]').checked;
    const wanted = form.dataset.serial;
    const typed = form.elements.namedItem('serial').value.trim();
    const confirmed = typed !== '' && typed === wanted;
    const releases = [...form.querySelectorAll('[name=release]')];
    const released = releases.length > 0 && releases.every((release) => release.checked);
    const asked = released || Boolean(form.querySelector('[data-clear]'));
    form.querySelector('#no-stage').hidden = chosen.length > 0;
    const button = form.querySelector('[data-start]');
    button.disabled = chosen.length === 0 || (destroys && !(confirmed && asked));
    button.classList.toggle('danger', destroys);
    button.classList.toggle('primary', !destroys);
    const hint = form.querySelector('.hint');
    if (hint) hint.textContent = hintFor(typed, wanted);
    const note = form.querySelector('.foot-note');
    note.textContent = destroys ? '' : 'Nothing on the drive is overwritten.';
  }

  function hintFor(typed, wanted) {
    if (typed === wanted) return 'This is the serial number.';
    if (wanted.startsWith(typed)) return `${typed.length} of ${wanted.length} characters`;
    return 'This is not the serial number of this drive.';
  }

  document.addEventListener('click', (event) => {
    const button = event.target.closest('[data-move]');
    const form = formOf(button);
    if (!form) return;
    const stage = button.closest('[data-stage]');
    if (button.dataset.move === '-1') stage.previousElementSibling.before(stage);
    else stage.nextElementSibling.after(stage);
    judge(form);
    // A button that just became useless hands the focus to its sibling.
    (button.disabled ? button.parentElement.querySelector('[data-move]:not(:disabled)') : button).focus();
    const names = [...form.querySelectorAll('[data-stage]')];
    const said = document.getElementById('said');
    if (said) said.textContent = `${stage.querySelector('label').textContent.trim()} is number ${names.indexOf(stage) + 1} of ${names.length}`;
  });
  document.addEventListener('input', (event) => { const form = formOf(event.target); if (form) judge(form); });
  document.addEventListener('change', (event) => { const form = formOf(event.target); if (form) judge(form); });

  function judgeAll() {
    for (const form of document.querySelectorAll('form.start')) judge(form);
  }
  document.addEventListener('htmx:after:swap', judgeAll);
  judgeAll();
})();
