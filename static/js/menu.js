// The menu that all rows share: it stands at the button that opened it, htmx fills it, and a choice
// closes it and gives the focus back.

(() => {
  const menu = document.getElementById('row-menu');
  if (!menu) return;

  document.addEventListener('click', (event) => {
    const button = event.target.closest('[popovertarget="row-menu"]');
    if (!button) return;
    // What it showed before may not hold any more.
    menu.replaceChildren();
    menu.opener = button;
  }, true);
  menu.addEventListener('click', (event) => {
    if (!event.target.closest('button, a')) return;
    menu.hidePopover();
    menu.opener?.focus();
  });
  // Whoever tabs on leaves it: it would lie over the rows that the focus comes to.
  menu.addEventListener('focusout', ({ relatedTarget }) => {
    if (relatedTarget && relatedTarget !== menu.opener && !menu.contains(relatedTarget)) menu.hidePopover();
  });
  menu.addEventListener('keydown', (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const items = [...menu.querySelectorAll('button, a')];
    items[(items.indexOf(document.activeElement) + step + items.length) % items.length]?.focus();
  });
  document.addEventListener('keydown', (event) => {
    if (event.key !== 'ArrowDown' || document.activeElement !== menu.opener || !menu.matches(':popover-open')) return;
    event.preventDefault();
    menu.querySelector('button, a')?.focus();
  });
})();
