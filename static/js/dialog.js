// One <dialog> for all: htmx fills it, here it is opened, closed, and the focus put back.
// Also the toast for a click that the server could not answer.

(() => {
  const dialog = document.getElementById('dialog');
  let opener = null;

  document.addEventListener('htmx:before:request', (event) => {
    const source = event.detail.ctx.sourceElement;
    // What was chosen in a menu goes back to the menu's button.
    const menu = source.closest('[popover]');
    if (source.getAttribute('hx-target') === '#dialog' && !dialog.contains(source)) opener = menu?.opener ?? source;
  });
  document.addEventListener('htmx:after:swap', () => {
    if (dialog.firstElementChild && !dialog.open) {
      dialog.showModal();
      (dialog.querySelector('[autofocus]') ?? dialog.querySelector('.dialog-head .icon-button'))?.focus();
    }
  });
  document.addEventListener('dialog:done', () => dialog.close());
  dialog.addEventListener('click', (event) => {
    if (!event.target.closest('[data-close]') && event.target !== dialog) return;
    event.preventDefault();
    dialog.close();
  });
  dialog.addEventListener('close', () => {
    const row = opener?.closest('tr');
    dialog.replaceChildren();
    // The button that opened it may be gone with the row's new state.
    if (opener?.isConnected) opener.focus();
    else (row?.querySelector('.acts a, .drive a') ?? document.getElementById('main')).focus();
    opener = null;
  });

  function toast(text) {
    const place = document.getElementById('toasts');
    const box = document.createElement('div');
    box.className = 'toast';
    const words = document.createElement('p');
    words.textContent = text;
    const close = document.createElement('button');
    close.className = 'button small bare';
    close.textContent = 'Close';
    close.addEventListener('click', () => box.remove());
    box.append(words, close);
    place.replaceChildren(box);
  }

  document.addEventListener('toast', (event) => toast(event.detail));

  // A page of the server's (403, 404, 500) is no answer for a dialog or a row.
  document.addEventListener('htmx:before:swap', (event) => {
    const { ctx } = event.detail;
    const status = ctx?.response?.status ?? 200;
    if (status < 400 || status === 409 || status === 422) return;
    event.preventDefault();
    const page = new DOMParser().parseFromString(ctx.text, 'text/html');
    // What happened, and the number to quote.
    const said = [...page.querySelectorAll('h1, .quote')].map((part) => part.textContent.trim().replace(/\s+/g, ' ')).join(' ');
    toast(said || `The server answered ${status}. Nothing was changed.`);
  });
  document.addEventListener('htmx:error', (event) => {
    if (event.detail.ctx) toast('The server can’t be reached. Nothing was started or cancelled by this click, as far as this page knows.');
  });
})();
