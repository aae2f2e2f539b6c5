// The API's page: Swagger's own dark colours where ours are dark.

(() => {
  const root = document.documentElement;
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const show = () => root.classList.toggle('dark-mode', (root.dataset.theme || (dark.matches ? 'dark' : 'light')) === 'dark');
  dark.addEventListener('change', show);
  new MutationObserver(show).observe(root, { attributeFilter: ['data-theme'] });
  show();
})();
