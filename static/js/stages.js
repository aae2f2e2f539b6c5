// The order of the stages in a dialog: by ↑ ↓, by dragging the handle, or by keyboard on the handle
// (space lifts, arrows move, space drops, Escape puts it back). Each move is said.

(() => {
  let lifted = null, home = null, dragged = null;

  const list = (stage) => [...stage.parentElement.querySelectorAll('[data-stage]')];
  const name = (stage) => stage.querySelector('label.check').textContent.trim();
  const say = (words) => { const said = document.getElementById('said'); if (said) said.textContent = words; };
  const place = (stage) => `${name(stage)} is number ${list(stage).indexOf(stage) + 1} of ${list(stage).length}`;
  const changed = (stage) => stage.dispatchEvent(new Event('change', { bubbles: true }));

  function move(stage, by) {
    const stages = list(stage);
    const target = stages[stages.indexOf(stage) + by];
    if (!target) return false;
    if (by < 0) target.before(stage);
    else target.after(stage);
    changed(stage);
    return true;
  }

  document.addEventListener('click', (event) => {
    const button = event.target.closest('[data-move]');
    if (!button) return;
    const stage = button.closest('[data-stage]');
    move(stage, Number(button.dataset.move));
    // A button that just became useless hands the focus to its sibling.
    (button.disabled ? button.parentElement.querySelector('[data-move]:not(:disabled)') : button).focus();
    say(place(stage));
  });

  // --- by keyboard ---------------------------------------------------------------------------
  function drop() {
    lifted?.classList.remove('lifted');
    lifted = home = null;
  }

  document.addEventListener('keydown', (event) => {
    const grip = event.target.closest?.('[data-grip]');
    if (!grip) return;
    const stage = grip.closest('[data-stage]');
    if (event.key === ' ' || event.key === 'Enter') {
      event.preventDefault();
      if (lifted) { say(`${place(stage)}, dropped`); drop(); return; }
      lifted = stage;
      home = list(stage);
      stage.classList.add('lifted');
      say(`${place(stage)}. Arrows move it, space drops it, Escape puts it back.`);
    } else if (lifted === stage && (event.key === 'ArrowUp' || event.key === 'ArrowDown')) {
      event.preventDefault();
      move(stage, event.key === 'ArrowUp' ? -1 : 1);
      grip.focus();
      say(place(stage));
    } else if (lifted === stage && event.key === 'Escape') {
      // Before the dialog takes it for itself.
      event.preventDefault();
      event.stopPropagation();
      for (const each of home.slice(1)) home[home.indexOf(each) - 1].after(each);
      changed(stage);
      drop();
      grip.focus();
      say(`${place(stage)}, put back`);
    }
  }, true);
  document.addEventListener('focusout', (event) => { if (lifted && event.target.closest('[data-grip]') && document.hasFocus()) setTimeout(() => { if (!lifted?.contains(document.activeElement)) drop(); }); });

  // --- by pointer ----------------------------------------------------------------------------
  document.addEventListener('pointerdown', (event) => {
    const grip = event.target.closest?.('[data-grip]');
    if (!grip || event.button !== 0) return;
    event.preventDefault();
    dragged = grip.closest('[data-stage]');
    dragged.classList.add('lifted');
    grip.setPointerCapture(event.pointerId);
  });
  document.addEventListener('pointermove', (event) => {
    if (!dragged) return;
    for (const other of list(dragged)) {
      if (other === dragged) continue;
      const box = other.getBoundingClientRect();
      const isAfter = dragged.compareDocumentPosition(other) & Node.DOCUMENT_POSITION_FOLLOWING;
      const middle = box.top + box.height / 2;
      if (isAfter ? event.clientY > middle : event.clientY < middle) {
        move(dragged, isAfter ? 1 : -1);
        break;
      }
    }
  });
  for (const end of ['pointerup', 'pointercancel']) {
    document.addEventListener(end, () => {
      if (!dragged) return;
      dragged.classList.remove('lifted');
      say(place(dragged));
      dragged = null;
    });
  }
})();
