"""Numbers and times as people read them: 12.0 TB as on a label, 2 d 4 h, 3rd, 205 MB/s."""

from __future__ import annotations

from datetime import UTC, datetime


def size(count: int | float | None) -> str:
    """Bytes in the units of drive makers (powers of ten): 12.0 TB, 240 GB."""
    if count is None:
        return "–"
    for unit, factor in (("PB", 1e15), ("TB", 1e12), ("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if abs(count) >= factor:
            if unit == "GB" and abs(count) >= 10 * factor:
                return f"{count / factor:.0f} {unit}"
            return f"{count / factor:.1f} {unit}"
    return f"{count:.0f} bytes"


def rate(bytes_per_second: float | None) -> str:
    """Bytes a second as MB/s; empty when it isn't known."""
    if not bytes_per_second:
        return ""
    mega = bytes_per_second / 1e6
    if mega >= 10_000:
        return f"{mega / 1000:,.0f} GB/s"
    return f"{mega:,.0f} MB/s" if mega >= 10 else f"{mega:.1f} MB/s"


def duration(seconds: float) -> str:
    """Seconds as the two largest units: 2 d 4 h, 9 h 20 min, 4 min, 8 s."""
    left = max(0, int(seconds))
    if left < 60:
        return f"{left} s"
    parts = []
    for factor, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        count, left = divmod(left, factor)
        parts.append((count, unit))
    first = next(i for i, (count, _) in enumerate(parts) if count)
    return " ".join(f"{count} {unit}" for count, unit in parts[first : first + 2] if count)


def milliseconds(count: float) -> str:
    """As long as one chunk of a drive takes: 8.3 ms, 541 ms, 17.8 s."""
    if count >= 10_000:
        return f"{count / 1000:,.1f} s"
    return f"{count:,.0f} ms" if count >= 10 else f"{count:.1f} ms"


def spread(seconds: float) -> str:
    """How far off an estimate may be: ± 20 min, ± 3 h, ± 2 d; empty below a minute."""
    for factor, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 1.5 * factor or (unit == "min" and seconds >= factor):
            return f"± {round(seconds / factor)} {unit}"
    return ""


def times(count: int) -> str:
    """How often: once, twice, 3 times."""
    return {1: "once", 2: "twice"}.get(count, f"{count} times")


def verified(profile: str, size_bytes: int, passes: int) -> str:
    """What a passed burn-in of that profile has shown: 12.0 TB verified twice."""
    if profile == "quick":
        return "a sample verified"
    if profile == "full" or profile.startswith("surface"):
        return f"{size(size_bytes)} verified {times(passes)}"
    return "self-tests only"


def ordinal(place: int) -> str:
    """1st, 2nd, 3rd, 4th."""
    if 10 <= place % 100 <= 20:
        return f"{place}th"
    return f"{place}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(place % 10, 'th') }"


def plural(count: int, one: str, many: str = "") -> str:
    """3 drives, 1 drive."""
    return f"{count} {one if count == 1 else many or one + 's'}"


def moment(at: datetime, shown_as: str, now: datetime) -> str:
    """A time as text in UTC: what stands there until the page's script puts the local time.

    shown_as: `ago` (2 d 4 h ago), `for` (2 d 4 h), `age` (2 d), `clock` (Thu 04:00), `second`,
    `full`, `day` (22 Nov 2026), `minute` (22 Nov 10:16),
    `stamp` (22 Nov 10:16:44).
    static/js/times.js says the same in the reader's time zone.
    """
    if shown_as in {"ago", "for", "age"}:
        length = duration((now - at).total_seconds())
        if shown_as == "age":
            return " ".join(length.split()[:2])
        return f"{length} ago" if shown_as == "ago" else length
    at = at.astimezone(UTC)
    if shown_as == "day":
        return f"{at.day} {at:%b %Y}"
    if shown_as == "minute":
        return f"{at.day} {at:%b %H:%M} UTC"
    if shown_as == "stamp":
        return f"{at.day} {at:%b %H:%M:%S} UTC"
    if shown_as == "full":
        return f"{at:%a} {at.day} {at:%b %Y %H:%M} UTC"
    return f"{at:%a %H:%M:%S} UTC" if shown_as == "second" else f"{at:%a %H:%M} UTC"
