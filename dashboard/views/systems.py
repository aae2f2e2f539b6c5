"""The Systems page: a card for each, and what an admin may do to one that is known."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from django.core.exceptions import ValidationError
from django.db.models import Count, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from burnin.models import Job, JobState
from burnin.removal import remove_system
from config import runtime
from drives import capabilities, checkup
from drives import systems as owner
from drives.capabilities import Capability
from drives.health import SystemState, system_state
from drives.hosts import ssh
from drives.hosts.ssh import HostError
from drives.models import System

from ..flusher import sequence_now
from ..login_events import source_ip
from ..roles import role
from ..words import plural


@dataclass(frozen=True)
class Card:
    """A system as its card shows it. `locked`: drives that are in use."""

    system: System
    state: SystemState
    capabilities: tuple[Capability, ...]
    fingerprint: str
    drives: int
    locked: int
    running: int
    queued: int
    slots: int


@require_GET
@role("viewer")
def systems(request: HttpRequest) -> HttpResponse:
    cards = load_cards()
    context = {
        "here": "systems",
        "sequence": sequence_now(),
        "cards": cards,
        "sentence": _sentence(cards),
    }
    return render(request, "dashboard/systems.html", context)


def _sentence(cards: list[Card]) -> str:
    """Is anything wrong with a system now?"""
    troubled = sum(card.state.level in {"warn", "fail"} for card in cards)
    if not cards:
        return "No system yet."
    if troubled:
        verb = "needs" if troubled == 1 else "need"
        return f"{troubled} of {plural(len(cards), 'system')} {verb} attention."
    good = all(card.state.level == "pass" for card in cards)
    return f"{plural(len(cards), 'system')}{', all reachable' if good and len(cards) > 1 else ''}."


def load_cards() -> list[Card]:
    """The same number of queries for one system and for many."""
    limits, now = runtime.current(), timezone.now()
    found = System.objects.annotate(
        present=Count("drives", filter=Q(drives__present=True)),
        used=Count(
            "drives",
            filter=Q(drives__present=True) & (~Q(drives__use_reason="") | ~Q(drives__pool="")),
        ),
    )
    jobs = Job.objects.filter(state__in=[JobState.RUNNING, JobState.QUEUED])
    states = Counter(jobs.values_list("system_id", "state"))
    return [
        Card(
            system=system,
            state=system_state(system, now, limits),
            capabilities=capabilities.of(system),
            fingerprint=_fingerprint(system.ssh_host_key),
            drives=system.present,
            locked=system.used,
            running=states[system.pk, JobState.RUNNING],
            queued=states[system.pk, JobState.QUEUED],
            slots=limits.max_parallel_burnins,
        )
        for system in found
    ]


@require_POST
@role("admin")
def check(request: HttpRequest, system_id: int) -> HttpResponse:
    """Asks API and host of everything, now. A fragment with what was found and what to do."""
    system = get_object_or_404(System, pk=system_id)
    findings = list(checkup.look(system))
    return render(request, "dashboard/_findings.html", {"findings": findings, "system": system})


@require_POST
@role("admin")
def pause(request: HttpRequest, system_id: int) -> HttpResponse:
    system = get_object_or_404(System, pk=system_id)
    owner.pause(system, by=request.user.get_username(), source_ip=source_ip(request))
    return redirect("/systems")


@require_POST
@role("admin")
def resume(request: HttpRequest, system_id: int) -> HttpResponse:
    system = get_object_or_404(System, pk=system_id)
    owner.resume(system, by=request.user.get_username(), source_ip=source_ip(request))
    return redirect("/systems")


@require_http_methods(["GET", "POST"])
@role("admin")
def remove(request: HttpRequest, system_id: int) -> HttpResponse:
    """GET: what is kept. POST, with its name typed: 409 while something runs there."""
    system = get_object_or_404(System, pk=system_id)
    reasons: list[str] = []
    errors: list[str] = []
    status = 200
    if request.method == "POST":
        if request.POST.get("name", "").strip() != system.name:
            status, errors = 422, [f"Type {system.name} exactly as shown"]
        else:
            try:
                by = request.user.get_username()
                remove_system(system, by=by, source_ip=source_ip(request))
                return redirect("/systems")
            except ValidationError as trouble:
                status, reasons = 409, trouble.messages
    context = {"here": "systems", "system": system, "reasons": reasons, "errors": errors}
    return render(request, "dashboard/system_remove.html", context, status=status)


@require_http_methods(["GET", "POST"])
@role("admin")
def host_key(request: HttpRequest, system_id: int) -> HttpResponse:
    """GET: the key that its host shows now, beside the confirmed one. POST: pin the one whose
    `fingerprint` was compared, if the host still shows it."""
    system = get_object_or_404(System, pk=system_id)
    context = {"here": "systems", "system": system, "before": _fingerprint(system.ssh_host_key)}
    status = 200
    try:
        offered = ssh.offered_host_key(system.ssh_host, system.ssh_port)
        context |= {"shown": _fingerprint(offered), "type": offered.split()[0]}
    except HostError as error:
        context["trouble"] = f"{system.ssh_host} can’t be asked for its key: {error}"
        status = 409
    if request.method == "POST" and status == 200:
        if request.POST.get("fingerprint") != context["shown"]:
            context["trouble"] = "The host shows another key than the one you compared."
            status = 409
        elif request.POST.get("compared") != "on":
            context["error"] = "Compare it with the host’s own first"
            status = 422
        else:
            by = request.user.get_username()
            owner.confirm_host_key(system, offered, actor=by, source_ip=source_ip(request))
            return redirect("/systems")
    return render(request, "dashboard/system_key.html", context, status=status)


def _fingerprint(key: str) -> str:
    """Empty where it is no key."""
    try:
        return ssh.fingerprint(key) if key else ""
    except HostError:
        return ""
