// Browser notifications when a burn-in ends, also of a hidden tab. Each event is told once, though
// several tabs are open.

(() => {
  const button = document.getElementById('bell');
  if (!button) return;
  const WANTED = 'burnin-notifications';
  const TOLD = 'burnin-notified';
  const KEPT = 300;
  //: More than this at once become one.
  const MOST = 3;

  // Browsers know neither notifications nor locks on a page that came over plain http.
  const can = 'Notification' in window && 'locks' in navigator && window.isSecureContext;
  const wants = () => can && Notification.permission === 'granted' && localStorage.getItem(WANTED) === 'on';

  function show() {
    const on = wants();
    button.setAttribute('aria-pressed', String(on));
    button.title = !can ? 'Browser notifications need https (or localhost)'
      : Notification.permission === 'denied' ? 'This browser blocks notifications of this page; allow them in its settings'
        : on ? 'Browser notifications are on: when a burn-in passes, fails or is inconclusive' : 'Notify me in this browser when a burn-in ends';
  }

  button.addEventListener('click', async () => {
    if (!can || Notification.permission === 'denied') {
      document.dispatchEvent(new CustomEvent('toast', { detail: `${button.title}.` }));
      return;
    }
    if (wants()) localStorage.setItem(WANTED, 'off');
    else if (await Notification.requestPermission() === 'granted') localStorage.setItem(WANTED, 'on');
    show();
  });
  addEventListener('storage', (event) => { if (event.key === WANTED) show(); });

  // One of the open tabs holds the lock as long as it lives, and it alone tells. What was told is
  // kept for the tab that comes after it.
  let isTeller = false;
  if (can) navigator.locks.request(TOLD, () => { isTeller = true; return new Promise(() => {}); });

  document.addEventListener('burnins:ended', (event) => {
    if (!isTeller || !wants()) return;
    const told = new Set(JSON.parse(localStorage.getItem(TOLD) ?? '[]'));
    const news = event.detail.filter((one) => !told.has(one.event));
    localStorage.setItem(TOLD, JSON.stringify([...told, ...news.map((one) => one.event)].slice(-KEPT)));
    if (news.length > MOST) tell(digest(news));
    else news.forEach(tell);
  });

  function digest(news) {
    const count = (state) => news.filter((one) => one.state === state).length;
    const parts = [[count('passed'), 'passed'], [count('failed'), 'failed'], [count('unknown'), 'inconclusive']];
    return {
      event: news.at(-1).event, url: '/', title: `${news.length} burn-ins have ended`,
      text: parts.filter(([found]) => found).map(([found, word]) => `${found} ${word}`).join(', '),
    };
  }

  function tell({ event, title, text, url }) {
    const shown = new Notification(title, { body: text, tag: `burnin-${event}`, icon: '/static/icons.svg' });
    shown.addEventListener('click', () => { window.focus(); location.assign(url); });
  }

  show();
})();
