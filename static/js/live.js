// The other end of dashboard/flusher.py. hx-ws swaps what arrives; here the numbers are watched:
// a page that missed one, or heard nothing for 25 s, reloads its table once and goes on.

(() => {
  const SILENCE_MS = 25000;
  const SHOW_OFFLINE_MS = 2000;
  const RETRY_MS = 5000;
  const live = document.getElementById('live');
  if (!live) return;
  const kind = document.body.dataset.live;
  const offline = document.getElementById('offline');
  const stale = document.getElementById('stale');
  let known = Number.parseInt(live.dataset.sequence, 10);
  let heard = Date.now();
  let connection = null, catching = null, again = false, offlineTimer = 0, before = null;

  // --- messages ------------------------------------------------------------------------------
  document.addEventListener('htmx:ws:before:message:incoming', (event) => {
    heard = Date.now();
    connected();
    let message;
    try { message = JSON.parse(event.detail.message.data); } catch { return; }
    if (message.ended) document.dispatchEvent(new CustomEvent('burnins:ended', { detail: message.ended }));
    if (message.title && kind === 'rows') document.title = message.title;
    const expected = message.sequence === known || (message.drives && message.sequence === known + 1);
    // The page that had no system yet is another page.
    if (kind === 'rows' && message.drives?.length && !document.getElementById('drives')) return location.reload();
    const unseen = kind === 'rows' && (message.drives ?? []).some((id) => !document.getElementById(`drive-${id}`));
    // A page about one drive, or about all that happens.
    const { drive, about } = document.body.dataset;
    const ours = kind === 'ids' && (about === 'all' ? message.sequence !== known : message.drives?.includes(Number(drive)));
    known = message.sequence;
    if (!expected || unseen || ours || message.left) catchUp();
    if (catching) event.detail.waitUntil(catching);
  });

  // Also the answer to a click, and the table of a page that catches up.
  document.addEventListener('htmx:before:swap', (event) => {
    before ??= above();
    window.swappedRows(event).forEach(remember);
  });
  document.addEventListener('htmx:after:swap', () => {
    compare();
    // What is inserted above the table must not move it under the pointer.
    const moved = above() - before;
    before = null;
    if (moved && scrollY > 0) scrollBy(0, moved);
  });
  const above = () => document.getElementById('table-wrap')?.offsetTop ?? 0;

  // All that this page shows, as it is now. Messages wait until it is there, so none is overwritten
  // by something older.
  function catchUp() {
    // What is on its way may have left the server before the message that asks for it again.
    if (catching) again = true;
    catching ??= load().finally(() => {
      catching = null;
      if (again) { again = false; catchUp(); }
    });
    return catching;
  }

  async function load() {
    const report = document.getElementById('report');
    if (kind !== 'rows' && !report) return;
    const address = kind === 'rows' ? `/table${location.search}` : location.pathname + location.search;
    let text;
    try {
      const response = await fetch(address, { headers: { 'HX-Request': 'true' }, signal: AbortSignal.timeout(15000) });
      const elsewhere = response.headers.get('HX-Redirect');
      if (elsewhere) return location.assign(elsewhere);
      if (!response.ok) throw new Error(`${address} answers ${response.status}`);
      text = await response.text();
    } catch {
      if (stale) stale.hidden = false;
      setTimeout(catchUp, RETRY_MS);
      return;
    }
    const where = kind === 'rows' ? { target: live, swap: 'none' } : { target: report, swap: 'outerMorph', select: '#report' };
    await htmx.swap({ sourceElement: live, text, transition: false, ...where });
    if (stale) stale.hidden = true;
  }

  document.addEventListener('table:reload', async () => { await catching; catchUp(); });

  // --- what changed, seen and said -------------------------------------------------------------
  let cells = new Map(), standings = new Map();

  // What a change of the cell means; a text that counts seconds changes without meaning anything.
  const says = (cell) => cell.dataset.says ?? cell.textContent;

  function remember(row) {
    standings.set(row.id, row.dataset.state);
    cells.set(row.id, [...row.cells].map(says));
  }

  function compare() {
    const ended = [];
    for (const [id, old] of cells) {
      const row = document.getElementById(id);
      if (!row) continue;
      [...row.cells].forEach((cell, place) => {
        if (says(cell) === old[place]) return;
        cell.classList.add('changed');
        cell.addEventListener('animationend', () => cell.classList.remove('changed'), { once: true });
      });
      const now = row.dataset.state;
      if (now !== standings.get(id) && ['passed', 'failed', 'attention'].includes(now)) {
        ended.push(`${row.querySelector('.drive').firstElementChild.textContent} ${row.querySelector('.state b').textContent.toLowerCase()}`);
      }
    }
    cells = new Map();
    standings = new Map();
    if (ended.length) document.getElementById('said').textContent = `${ended.join(', ')}.`;
  }

  // --- the connection --------------------------------------------------------------------------
  document.addEventListener('htmx:ws:before:connection', (event) => { connection = event.detail.connection; });
  document.addEventListener('htmx:ws:close', (event) => {
    if (event.detail.code === 4401) disconnected('Your login has ended. Load the page again to log in.', 0);
    else if (event.detail.code === 4403) disconnected('Your role no longer allows to look at this page.', 0);
    else disconnected('What you see may be old. Burn-ins go on; the page comes back by itself.', SHOW_OFFLINE_MS);
  });
  setInterval(() => {
    if (Date.now() - heard < SILENCE_MS) return;
    heard = Date.now();
    disconnected('Nothing was heard for 25 s. Burn-ins go on; the page comes back by itself.', 0);
    hangUp();
  }, 1000);

  // The other end of a network that is gone doesn't answer a farewell, and the browser waits for it
  // for a minute: hx-ws is told at once, and dials anew.
  function hangUp() {
    const socket = connection?.socket;
    if (socket?.readyState === WebSocket.OPEN) socket.dispatchEvent(new CloseEvent('close', { code: 1006 }));
    else socket?.close();
  }

  function connected() {
    clearTimeout(offlineTimer);
    offlineTimer = 0;
    if ('connected' in document.body.dataset) return;
    if (offline) offline.hidden = true;
    document.body.dataset.connected = '';
    document.dispatchEvent(new Event('live:back'));
  }

  function disconnected(why, afterMs) {
    // Each try to come back that fails ends here too: the time runs from the first one.
    if (afterMs && offlineTimer) return;
    clearTimeout(offlineTimer);
    offlineTimer = setTimeout(() => {
      document.getElementById('offline-why').textContent = why;
      if (offline) offline.hidden = false;
      delete document.body.dataset.connected;
      document.dispatchEvent(new Event('live:lost'));
    }, afterMs);
  }
})();
