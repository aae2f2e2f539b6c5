"""Adding a system step by step, and changing one: nothing is stored before the last step.

Each step asks the NAS with what is typed, and answers with a fragment. Secrets stay in the page's
fields; no answer holds one.
"""

from __future__ import annotations

import contextlib
from typing import Any

from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods, require_POST

from drives import capabilities, checkup, clients
from drives import systems as owner
from drives.checkup import Finding, State
from drives.hosts import own_key, ssh
from drives.hosts.ssh import HostError
from drives.models import System
from drives.truenas.types import NasError, NasView

from ..forms import numbers
from ..login_events import source_ip
from ..roles import role
from ..system_form import KINDS, SystemForm

SECRETS = ("api_key", "ssh_password")


@sensitive_post_parameters(*SECRETS)
@require_http_methods(["GET", "POST"])
@role("admin")
def add(request: HttpRequest) -> HttpResponse:
    """GET: the page. POST: save it; 422 with errors by field."""
    if request.method == "GET":
        return _page(request, SystemForm.fresh(str(own_key.key_file())))
    form = SystemForm.from_post(request.POST)
    try:
        name = form.typed["name"]
        by, ip = request.user.get_username(), source_ip(request)
        owner.add(name, by=by, source_ip=ip, **form.facts())
    except ValidationError as error:
        return _page(request, form, status=422, errors=error.message_dict)
    return redirect("/systems")


@sensitive_post_parameters(*SECRETS)
@require_http_methods(["GET", "POST"])
@role("admin")
def edit(request: HttpRequest, system_id: int) -> HttpResponse:
    """The same page for a system that is known; a secret that is left empty stays."""
    system = get_object_or_404(System, pk=system_id)
    if request.method == "GET":
        return _page(request, SystemForm.of(system))
    form = SystemForm.from_post(request.POST, system)
    try:
        by, ip = request.user.get_username(), source_ip(request)
        owner.edit(system, by=by, source_ip=ip, name=form.typed["name"], **form.facts())
    except ValidationError as error:
        return _page(request, form, status=422, errors=error.message_dict)
    return redirect("/systems")


@sensitive_post_parameters(*SECRETS)
@require_POST
@role("admin")
def try_step(request: HttpRequest, step: str) -> HttpResponse:
    """`api`, `host-key` or `host`: what the NAS answers to what is typed so far."""
    known = numbers([request.POST.get("system", "")])
    system = get_object_or_404(System, pk=known[0]) if known else None
    form = SystemForm.from_post(request.POST, system)
    try:
        wanted = form.unsaved()
    except ValidationError as error:
        words = "; ".join(f"{name}: {' '.join(said)}" for name, said in error.message_dict.items())
        findings = [Finding(State.MISSING, "fields", words)]
        return render(request, "dashboard/_findings.html", {"findings": findings})
    if step == "api":
        return _try_api(request, wanted)
    if step == "host-key":
        return _try_key(request, wanted)
    return _try_host(request, wanted)


def _try_api(request: HttpRequest, wanted: System) -> HttpResponse:
    try:
        with clients.nas(wanted) as nas:
            view = nas.view()
    except NasError as error:
        step = checkup.step_of_api(str(error))
        findings = [Finding(State.MISSING, "API", f"{wanted.base_url}: {error}", step)]
        return render(request, "dashboard/_findings.html", {"findings": findings})
    findings = [
        Finding(State.OK, "API", f"{wanted.base_url} accepts the key"),
        Finding(State.OK, "release", view.version),
        Finding(State.OK, "drives", f"{len(view.drives)}"),
    ]
    context = {"findings": findings, "able": capabilities.assess(wanted, view)}
    return render(request, "dashboard/_findings.html", context)


def _try_key(request: HttpRequest, wanted: System) -> HttpResponse:
    try:
        key = ssh.offered_host_key(wanted.ssh_host, wanted.ssh_port)
    except HostError as error:
        step = "is SSH switched on there, under Services, and does no firewall stand between?"
        words = f"{wanted.ssh_host or 'no host'} port {wanted.ssh_port}: {error}"
        findings = [Finding(State.MISSING, "SSH", words, step)]
        return render(request, "dashboard/_findings.html", {"findings": findings})
    context = {"key": key, "type": key.split()[0], "shown": ssh.fingerprint(key)}
    return render(request, "dashboard/_host_key.html", context)


def _try_host(request: HttpRequest, wanted: System) -> HttpResponse:
    """The whole checkup, and its drives as they would be listed: those in use are locked."""
    if not wanted.is_local and (not wanted.ssh_host_key or request.POST.get("compared") != "on"):
        words = "The host’s key is not confirmed yet: show it, compare it and tick the box"
        findings = [Finding(State.MISSING, "host key", words)]
        return render(request, "dashboard/_findings.html", {"findings": findings})
    findings = list(checkup.look(wanted))
    drives: list[dict[str, Any]] = []
    with contextlib.suppress(NasError), clients.nas(wanted) as nas:  # the checkup tells errors
        drives = _preview(nas.view())
    context = {
        "findings": findings,
        "drives": drives,
        "locked": sum(bool(drive["lock"]) for drive in drives),
        "ready": all(one.state is not State.MISSING for one in findings),
        "saves": True,
    }
    return render(request, "dashboard/_findings.html", context)


def _preview(view: NasView) -> list[dict[str, Any]]:
    rows = []
    for drive in view.drives:
        pool = view.pools.get(drive.name, "")
        lock = view.uses.get(drive.name, "") or (f"In pool {pool}" if pool else "")
        rows.append({"drive": drive, "lock": lock})
    return rows


def _page(
    request: HttpRequest,
    form: SystemForm,
    *,
    status: int = 200,
    errors: dict[str, list[str]] | None = None,
) -> HttpResponse:
    try:
        public = own_key.public_half()
    except OSError as error:
        public = f"The key can’t be made: {error.strerror}"
    context = {
        "here": "systems",
        "form": form,
        "errors": errors or {},
        "kinds": KINDS if form.typed["kind"] in KINDS else [*KINDS, System.Kind.MOCK],
        "public": public,
        "own_key": str(own_key.key_file()),
    }
    return render(request, "dashboard/system_add.html", context, status=status)
