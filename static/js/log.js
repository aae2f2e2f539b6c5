// The log of a burn-in: shows the lines that hold each typed word, and follows while lines arrive,
// unless somebody has scrolled up.

(() => {
  let follows = true;
  const log = () => document.getElementById('log');
  const field = () => document.getElementById('log-filter');

  function apply() {
    const list = log();
    if (!list) return;
    const words = field().value.trim().toLowerCase().split(/\s+/).filter(Boolean);
    let shown = 0;
    for (const line of list.children) {
      const text = line.textContent.toLowerCase();
      line.hidden = !words.every((word) => text.includes(word));
      shown += !line.hidden;
    }
    document.getElementById('log-nothing').hidden = shown > 0 || list.children.length === 0;
    if (follows) list.scrollTop = list.scrollHeight;
  }

  document.addEventListener('input', (event) => { if (event.target === field()) apply(); });
  document.addEventListener('scroll', (event) => {
    const list = log();
    if (event.target === list) follows = list.scrollTop + list.clientHeight >= list.scrollHeight - 24;
  }, true);
  document.addEventListener('htmx:after:swap', apply);
  apply();
})();
