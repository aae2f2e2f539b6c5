// Auto, light or dark. Kept in a cookie, so that the server's first byte already has it.

for (const button of document.querySelectorAll('[data-set-theme]')) {
  button.addEventListener('click', () => {
    const theme = button.dataset.setTheme;
    if (theme) document.documentElement.dataset.theme = theme;
    else delete document.documentElement.dataset.theme;
    document.cookie = `theme=${theme}; path=/; samesite=lax; max-age=${theme ? 31536000 : 0}`;
    for (const other of document.querySelectorAll('[data-set-theme]')) {
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
