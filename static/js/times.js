// Times travel as <time datetime="…Z" data-as="…"> in UTC; here they become local time and ages.
// dashboard/words.py says the same words on the server.

(() => {
  const day = new Intl.DateTimeFormat('en-GB', { weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const second = new Intl.DateTimeFormat('en-GB', { weekday: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
  const full = new Intl.DateTimeFormat('en-GB', { weekday: 'short', day: 'numeric', month: 'short', year: 'numeric', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const date = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', year: 'numeric' });
  const minute = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const stamp = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' });
  const zoned = new Intl.DateTimeFormat('en-GB', { dateStyle: 'full', timeStyle: 'long' });
  const plain = (format, at) => format.format(at).replaceAll(',', '');

  function duration(seconds) {
    let left = Math.max(0, Math.floor(seconds));
    if (left < 60) return `${left} s`;
    const parts = [];
    for (const [factor, unit] of [[86400, 'd'], [3600, 'h'], [60, 'min']]) {
      parts.push([Math.floor(left / factor), unit]);
      left %= factor;
    }
    const first = parts.findIndex(([count]) => count);
    return parts.slice(first, first + 2).filter(([count]) => count).map(([count, unit]) => `${count} ${unit}`).join(' ');
  }

  window.duration = duration;

  // Bytes in the units of drive makers, as words.size does.
  window.size = (bytes) => {
    for (const [unit, factor] of [['TB', 1e12], ['GB', 1e9], ['MB', 1e6], ['kB', 1e3]]) {
      if (bytes >= factor) return `${(bytes / factor).toFixed(unit === 'GB' && bytes >= 10 * factor ? 0 : 1)} ${unit}`;
    }
    return `${bytes} bytes`;
  };

  function words(at, shownAs) {
    const age = duration((Date.now() - at) / 1000);
    return {
      ago: `${age} ago`, for: age, age: age.split(' ').slice(0, 2).join(' '), second: plain(second, at), full: plain(full, at), day: plain(date, at), minute: plain(minute, at), stamp: plain(stamp, at),
    }[shownAs] ?? plain(day, at);
  }

  // What is younger than this shows seconds; the rest need not be looked at each second.
  const YOUNG_MS = 70000;
  const EVERY_MS = 15000;
  let wholeAt = 0;

  function show(element) {
    // A morph takes the title away.
    if (element.shown !== element.dateTime || !element.title) {
      element.shown = element.dateTime;
      element.at = new Date(element.dateTime);
      element.title = zoned.format(element.at);
    }
    const text = words(element.at, element.dataset.as);
    if (element.textContent !== text) element.textContent = text;
  }

  function tick() {
    const now = Date.now();
    const whole = now - wholeAt >= EVERY_MS;
    if (whole) wholeAt = now;
    for (const element of document.querySelectorAll('time[data-as]')) {
      if (whole || element.shown !== element.dateTime || now - element.at <= YOUNG_MS) show(element);
    }
  }

  tick();
  window.ticking = setInterval(tick, 1000);
  // A morph brings the server's words back.
  document.addEventListener('htmx:after:swap', (event) => {
    for (const root of window.swapped(event)) root.querySelectorAll('time[data-as]').forEach(show);
  });
})();
