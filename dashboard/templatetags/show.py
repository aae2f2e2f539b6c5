"""Template tags: icons, times, and the words of dashboard/words.py."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import urlencode

from django import template
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from burnin.eta import Estimate
from burnin.models import Job, JobState

from .. import words
from ..reports import LOOKS

register = template.Library()
register.filter("size", words.size)
register.filter("rate", words.rate)
register.filter("ordinal", words.ordinal)
register.filter("phase", lambda name: name.replace("-", " "))


@register.filter
def thousands(count: int | None) -> str:
    """12000138625024 as 12,000,138,625,024."""
    return "–" if count is None else f"{count:,}"


@register.filter
def binary(count: int) -> str:
    """4194304 as 4 MiB."""
    for unit, width in (("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)):
        if count >= width:
            return f"{count / width:g} {unit}"
    return f"{count} bytes"


@register.filter
def took(seconds: float | None) -> str:
    """A length of time in words; empty when it isn't known."""
    return "" if seconds is None else words.duration(seconds)


@register.filter
def as_query(value: object, name: str) -> str:
    """A query string of one."""
    return urlencode({name: value})


@register.filter
def lasted(job: Job) -> float | None:
    """Seconds from a job's start to its end, or to now."""
    if job.started_at is None:
        return None
    return ((job.finished_at or timezone.now()) - job.started_at).total_seconds()


@register.filter
def why(job: Job) -> str:
    """What its verdict rests on, beside the word for it: 12.0 TB verified twice, By bob."""
    if job.state == JobState.PASSED:
        return words.verified(job.profile, job.size_bytes, job.passes)
    told = job.error_text
    if job.state == JobState.CANCELLED:
        told = told.removeprefix("Cancelled ")
    return told[:1].upper() + told[1:]


@register.filter
def colour(state: str) -> str:
    """The colour class of a job's state."""
    return LOOKS.get(state, ("calm", "info"))[0]


@register.filter
def look(state: str) -> str:
    """The icon of a job's state."""
    return LOOKS.get(state, ("calm", "info"))[1]


@register.simple_tag
def icon(name: str) -> SafeString:
    """One of the icons in templates/_sprite.html, beside a word that says the same."""
    return format_html('<svg class="icon" aria-hidden="true"><use href="#i-{}"/></svg>', name)


@register.simple_tag
def about(estimate: Estimate | None) -> SafeString | str:
    """When something will be, as clock time with its span: Thu 04:00, ± 3 h."""
    if estimate is None:
        return ""
    # To the minute: the same words from one poll to the next, unless something was learnt.
    at = estimate.ends_at.replace(second=0, microsecond=0)
    span = words.spread(estimate.spread_seconds)
    return format_html("{}{}", moment(at, "clock"), f", {span}" if span else "")


@register.simple_tag
def moment(at: datetime | None, shown_as: str) -> SafeString | str:
    """A time in UTC, shown as local time or as an age by static/js/times.js."""
    if at is None:
        return "–"
    stamp = at.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    text = words.moment(at, shown_as, timezone.now())
    return format_html('<time datetime="{}" data-as="{}">{}</time>', stamp, shown_as, text)
