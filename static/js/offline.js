// While the server can't be heard, what needs it is greyed, and a click says why instead of failing.

(() => {
  const WHY = 'The server can’t be reached just now. Nothing was started or cancelled; try again when this page is back.';
  const NEEDS = '[hx-get], [hx-post], form button:not([type=button], [data-close])';
  const lost = () => 'offline' in document.body.dataset;

  document.addEventListener('live:lost', () => {
    document.body.dataset.offline = '';
    for (const element of document.querySelectorAll(NEEDS)) {
      element.setAttribute('aria-disabled', 'true');
      element.dataset.titleBefore ??= element.title;
      element.title = WHY;
    }
  });
  document.addEventListener('live:back', () => {
    delete document.body.dataset.offline;
    for (const element of document.querySelectorAll('[data-title-before]')) {
      element.removeAttribute('aria-disabled');
      element.title = element.dataset.titleBefore;
      delete element.dataset.titleBefore;
    }
  });
  for (const name of ['click', 'submit']) {
    document.addEventListener(name, (event) => {
      const wanted = name === 'submit' ? event.target.matches('[hx-get], [hx-post]') : event.target.closest(NEEDS);
      if (!lost() || !wanted) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      document.dispatchEvent(new CustomEvent('toast', { detail: WHY }));
    }, true);
  }
})();
