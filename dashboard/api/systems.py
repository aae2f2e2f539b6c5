"""/systems: NAS and hosts, what works on them; for admins adding, changing and removing them."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from django.core.exceptions import ValidationError
from django.http import Http404, HttpRequest
from django.utils import timezone
from ninja import Field, Router, Schema, Status

from burnin import removal
from drives import capabilities, checkup, systems
from drives.health import system_state
from drives.models import System

from .access import admin, caller_of, viewer
from .problems import Problem, ProblemOut
from .shapes import example

router = Router(tags=["systems"])


class CapabilityOut(Schema):
    name: str = Field(..., examples=["self_tests"])
    label: str
    works: bool
    how: str
    why: str = Field(..., description="what is missing, or what to know")


class SystemOut(Schema):
    """Neither key nor password is ever told."""

    id: int
    name: str = Field(..., examples=["nas-1"])
    kind: Literal["truenas", "host", "mock"]
    base_url: str
    ssh_host: str
    ssh_port: int
    ssh_user: str
    is_local: bool
    verify_tls: bool
    state_dir: str
    version: str
    release: str = Field(..., examples=["CORE 13.0"])
    state: str = Field(..., examples=["ok"])
    error: str = Field(..., description="why it doesn’t answer; empty when it does")
    stopped: str = Field(..., description="why nothing is asked of it; empty when it is")
    paused_by: str
    last_polled_at: datetime | None
    capabilities: list[CapabilityOut]

    @classmethod
    def of(cls, system: System) -> SystemOut:
        known = set(cls.model_fields) - {"state", "error", "capabilities"}
        state = system_state(system, timezone.now())
        return cls(
            **{name: getattr(system, name) for name in known},
            state=state.words,
            error=system.last_error or system.host_error,
            capabilities=[
                CapabilityOut(
                    name=one.name, label=one.label, works=one.works, how=one.how, why=one.why
                )
                for one in capabilities.of(system)
            ],
        )


class _Facts(Schema, extra="forbid"):
    base_url: str | None = Field(None, max_length=200, examples=["https://nas.example"])
    api_key: str | None = Field(None, max_length=1000, description="write-only")
    api_user: str | None = Field(None, max_length=100)
    verify_tls: bool | None = None
    is_local: bool | None = Field(None, description="this program runs on that very host")
    ssh_host: str | None = Field(None, max_length=255)
    ssh_port: int | None = Field(None, ge=1, le=65535)
    ssh_user: str | None = Field(None, max_length=100)
    ssh_key_file: str | None = Field(None, max_length=1000)
    ssh_password: str | None = Field(None, max_length=1000, description="write-only")
    ssh_host_key: str | None = Field(
        None,
        max_length=5000,
        description="the public key that you have compared, as ssh-keyscan prints it, without host",
    )
    state_dir: str | None = Field(None, max_length=1000)


class SystemIn(_Facts):
    model_config = example(
        {"name": "nas-1", "base_url": "https://nas.example", "api_key": "1-abc…"},
        {"name": "bench", "kind": "host", "is_local": True},
    )

    name: str = Field(..., min_length=1, max_length=60)
    kind: Literal["truenas", "host", "mock"] = "truenas"


class SystemEdit(_Facts):
    """What isn't named stays."""

    model_config = example({"paused": True}, {"name": "nas-2", "verify_tls": True})

    name: str | None = Field(None, min_length=1, max_length=60)
    paused: bool | None = Field(None, description="true: nothing is asked of it; its runs go on")


class FindingOut(Schema):
    """One line of a look at a system. `step`: what to do about it."""

    state: Literal["ok", "note", "MISSING"]
    what: str
    found: str
    step: str


class CheckupOut(Schema):
    ready: bool = Field(..., description="nothing is missing for a burn-in there")
    findings: list[FindingOut]


@router.get("", auth=viewer, response={200: list[SystemOut], (401, 403): ProblemOut})
def list_systems(request: HttpRequest) -> list[SystemOut]:
    """Every system with what works on it, by name."""
    return [SystemOut.of(system) for system in System.objects.all()]


@router.post("", auth=admin, response={201: SystemOut, (400, 401, 403, 422): ProblemOut})
def add_system(request: HttpRequest, wish: SystemIn) -> Any:
    """Add a system. It is asked at the next poll; look with `test` what it can do."""
    caller = caller_of(request)
    facts = _given(wish)
    name = facts.pop("name")
    system = systems.add(name, by=caller.name, source_ip=caller.source_ip, **facts)
    return Status(201, SystemOut.of(system))


@router.patch(
    "/{int:system_id}",
    auth=admin,
    response={200: SystemOut, (400, 401, 403, 404, 422): ProblemOut},
)
def edit_system(request: HttpRequest, system_id: int, wish: SystemEdit) -> SystemOut:
    """Change a system, pause it, resume it."""
    caller, system = caller_of(request), _system(system_id)
    facts = _given(wish)
    paused = facts.pop("paused", None)
    who: dict[str, Any] = {"by": caller.name, "source_ip": caller.source_ip}
    if facts:
        system = systems.edit(system, **who, **facts)
    if paused is not None:
        (systems.pause if paused else systems.resume)(system, **who)
    return SystemOut.of(_system(system_id))


@router.delete(
    "/{int:system_id}", auth=admin, response={204: None, (401, 403, 404, 409): ProblemOut}
)
def remove_system(request: HttpRequest, system_id: int) -> Any:
    """Remove a system. It is asked no more; its drives keep their history. 409 while something of
    ours runs there."""
    caller = caller_of(request)
    try:
        removal.remove_system(_system(system_id), by=caller.name, source_ip=caller.source_ip)
    except ValidationError as error:
        raise Problem(409, "; ".join(error.messages), reasons=error.messages) from None
    return Status(204, None)


@router.post(
    "/{int:system_id}/test", auth=admin, response={200: CheckupOut, (401, 403, 404): ProblemOut}
)
def test_system(request: HttpRequest, system_id: int) -> CheckupOut:
    """Test a system. API and host are asked of everything: what works, what is missing, the next
    step."""
    found = checkup.Checkup(tuple(checkup.look(_system(system_id))))
    return CheckupOut(
        ready=found.is_ready,
        findings=[
            FindingOut(state=one.state.value, what=one.what, found=one.found, step=one.step)
            for one in found.findings
        ],
    )


def _given(wish: Schema) -> dict[str, Any]:
    """What was named; null says nothing."""
    return {name: value for name, value in wish.model_dump().items() if value is not None}


def _system(system_id: int) -> System:
    found = System.objects.filter(pk=system_id).first() if system_id < 2**63 else None
    if found is None:
        raise Http404
    return found
