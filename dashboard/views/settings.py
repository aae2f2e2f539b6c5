"""The Settings page: each field saved at once, tests of what sends, and what could not be sent."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from config import runtime
from config.redaction import redact
from notifications import channels, report, sending
from notifications.transports import Answer, chat, mail, webhook

from .. import words
from ..flusher import sequence_now
from ..login_events import source_ip
from ..roles import role, wants_json
from ..settings_change import change
from ..settings_fields import EVENT_LABELS, FIELDS, as_text, shown

#: What each test does, and in which panel its answer stands.
TESTS = {
    "connection": (mail.test_connection, "mail"),
    "mail": (mail.send_test, "mail"),
    "webhook": (webhook.send_test, "webhook"),
    "chat": (chat.send_test, "chat"),
}
TROUBLES_SHOWN = 20


@sensitive_post_parameters("smtp_password", "webhook_secret", "apprise_urls")
@require_http_methods(["GET", "POST"])
@role("admin")
def settings_page(request: HttpRequest) -> HttpResponse:
    """GET: the page. POST: any of its fields; 422 with errors by field, and nothing is saved."""
    if request.method == "GET":
        return _page(request)
    wanted = _wanted(request.POST)
    try:
        change(wanted, by=request.user.get_username(), source_ip=source_ip(request))
    except ValidationError as error:
        errors = error.message_dict
        if wants_json(request):
            return JsonResponse({"errors": errors}, status=422)
        return _page(request, status=422, typed=wanted, errors=errors)
    if not wants_json(request):
        return redirect("/settings")
    values = runtime.readable(runtime.current())
    now = {name: "" if name in runtime.SECRETS else as_text(values[name]) for name in wanted}
    return JsonResponse({"values": now, "changed": len(runtime.changed_at())})


@require_POST
@role("admin")
def test(request: HttpRequest, what: str) -> HttpResponse:
    """Try what sends with the settings as they are saved: {ok, words}, the other side's own."""
    found = TESTS.get(what)
    if found is None:
        return JsonResponse({"reasons": ["There is no such test"]}, status=404)
    act, panel = found
    answer = act(runtime.current())
    if wants_json(request):
        return JsonResponse({"ok": answer.ok, "words": _told(answer)})
    return _page(request, answers={panel: {"ok": answer.ok, "words": _told(answer)}})


@require_POST
@role("admin")
def send_again(request: HttpRequest, delivery_id: int) -> HttpResponse:
    """Try a delivery now that failed or waits."""
    if not sending.send_again(delivery_id):
        return JsonResponse({"reasons": ["It was sent meanwhile"]}, status=409)
    if wants_json(request):
        return JsonResponse({})
    return redirect("/settings#unsent")


@require_GET
@role("admin")
def report_preview(request: HttpRequest) -> HttpResponse:
    """The daily report as it would be sent now."""
    html = report.payload(timezone.now())["html"]
    policy = f"default-src 'none'; style-src {report.STYLE_POLICY}; frame-ancestors 'none'"
    return HttpResponse(html, headers={"Content-Security-Policy": policy})


def _wanted(post: QueryDict) -> dict[str, Any]:
    """The fields that were sent. `shown` names those that a browser leaves out when nothing is
    ticked. An empty number goes back to its default."""
    wanted: dict[str, Any] = {}
    for name in {*post, *post.getlist("shown")} & FIELDS.keys():
        kind = FIELDS[name].kind
        if kind == "events":
            wanted[name] = post.getlist(name)
        elif kind == "secret" and not post.get(name) and "clear" not in post:
            continue  # an empty field is one that wasn't touched
        else:
            text = post.get(name, "")
            wanted[name] = None if kind == "number" and not text.strip() else text
    return wanted


def _page(
    request: HttpRequest,
    *,
    status: int = 200,
    typed: dict[str, Any] | None = None,
    errors: dict[str, list[str]] | None = None,
    answers: dict[str, dict[str, Any]] | None = None,
) -> HttpResponse:
    sequence = sequence_now()
    now, limits = timezone.now(), runtime.current()
    changed_at = runtime.changed_at()
    since = {
        name: words.duration((now - at).total_seconds())
        for name, text in changed_at.items()
        if (at := parse_datetime(text)) is not None
    }
    readable = runtime.readable(limits)
    defaults = {
        name: bool(runtime.default(name)) if name in runtime.SECRETS else runtime.default(name)
        for name in readable
    }
    everywhere = channels.all_channels(limits)
    troubled = sending.troubled()
    context = {
        "here": "settings",
        "sequence": sequence,
        "panels": shown(readable, defaults, since, typed=typed, errors=errors),
        "differ": len(changed_at),
        "answers": answers or {},
        "mail_on": mail.is_on(limits),
        "facts": _facts(),
        "events": EVENT_LABELS,
        "unsent": [
            (row, channels.label_of(row.channel, everywhere)) for row in troubled[:TROUBLES_SHOWN]
        ],
        "unsent_more": max(0, troubled.count() - TROUBLES_SHOWN),
    }
    return render(request, "dashboard/settings.html", context, status=status)


def _facts() -> list[tuple[str, str, str]]:
    """What only a restart changes: label, value, and the variable that sets it."""
    database = settings.DATABASES["default"]
    where = f"{database.get('HOST') or 'this machine'}, {database['NAME']}"
    if connection.vendor == "sqlite":
        where = str(database["NAME"])
    allowed = ", ".join(map(str, settings.ALLOWED_IPS)) or "all"
    return [
        ("Version", settings.VERSION, ""),
        ("Database", f"{connection.display_name}, {where}", "DATABASE_URL, DB_PATH"),
        ("Broker", redact(settings.REDIS_URL), "REDIS_URL"),
        ("Asked every", f"{settings.POLL_INTERVAL_SECONDS} s", "POLL_INTERVAL_SECONDS"),
        ("Time zone", settings.TIME_ZONE, "TZ"),
        ("Data folder", str(settings.DATA_DIR), "DB_PATH"),
        ("Address", settings.APP_URL, "APP_URL"),
        ("Allowed addresses", allowed, "ALLOWED_IPS"),
    ]


def _told(answer: Answer) -> str:
    took = f" in {answer.seconds * 1000:.0f} ms" if answer.ok else ""
    return f"Done{took}: {answer.words}" if answer.ok else answer.words
