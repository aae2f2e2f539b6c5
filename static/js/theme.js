// Auto, light or dark; rows of two lines or of one. Kept in cookies, so that the server's first byte
// already has them.

for (const button of document.querySelectorAll('[data-set]')) {
  button.addEventListener('click', () => {
    const { dataset: { set: name }, value } = button;
    if (value) document.documentElement.dataset[name] = value;
    else delete document.documentElement.dataset[name];
    document.cookie = `${name}=${value}; path=/; samesite=lax; max-age=${value ? 31536000 : 0}`;
    for (const other of document.querySelectorAll(`[data-set="${name}"]`)) {
      other.setAttribute('aria-pressed', String(other === button));
    }
    button.closest('[popover]').hidePopover();
  });
}

// Menus stand at their button by CSS anchor positioning; an older browser gets them placed here.
if (!CSS.supports('position-area: bottom')) {
  for (const menu of document.querySelectorAll('.menu[popover]')) {
    menu.addEventListener('toggle', (event) => {
      if (event.newState !== 'open') return;
      const box = document.querySelector(`[popovertarget="${menu.id}"]`).getBoundingClientRect();
      menu.classList.add('unanchored');
      menu.style.top = `${box.bottom}px`;
      menu.style.right = `${document.documentElement.clientWidth - box.right}px`;
    });
  }
}
