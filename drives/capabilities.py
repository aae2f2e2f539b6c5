"""What a system can do, by which way, and why not: judged by what its last answer showed.

Kept on the system's row, and judged anew whenever its answer shows something else, as after an
upgrade. docs/systems.md has the table by release.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from .models import System
from .truenas.types import NasView

SHELL = "the agent, by its shell"


@dataclass(frozen=True)
class Capability:
    """One line. how: the way that is taken; why: what is missing, or what to know."""

    name: str
    label: str
    works: bool
    how: str
    why: str = ""
    #: Needs the host's shell.
    by_shell: bool = False


def assess(system: System, view: NasView) -> tuple[Capability, ...]:
    """From one answer; what wasn't asked this time stays as it was found last."""
    plain = system.kind == System.Kind.HOST
    api = f"its {view.dialect} API"
    return (
        Capability(
            "drives",
            "Drives, pools and boot disks",
            True,
            SHELL if plain else api,
            by_shell=plain,
        ),
        Capability(
            "exported_pools",
            "Drives of exported pools",
            True,
            SHELL if plain or not view.tells_exported else api,
            ""
            if plain or view.tells_exported
            else "this release doesn’t tell them; they are found by their labels on the drive",
            by_shell=plain or not view.tells_exported,
        ),
        Capability(
            "temperatures",
            "Temperatures",
            warm := _tells_temperatures(system, view),
            "the kernel’s sensors" if plain else api,
            "" if warm else "it tells none just now",
            by_shell=plain,
        ),
        _starting(view, plain),
        Capability(
            "self_test_results",
            "Progress, result and end of self-tests",
            True,
            "smartctl on the host, the drive’s own log",
            "" if not view.tests_by_api else "the NAS’s job tells only that no test runs any more",
            by_shell=True,
        ),
        Capability("surface", "Surface runs", True, SHELL, by_shell=True),
    )


def _tells_temperatures(system: System, view: NasView) -> bool:
    if view.asked_temperatures:
        return bool(view.temperatures)
    return all(one["works"] for one in system.capabilities if one["name"] == "temperatures")


def _starting(view: NasView, plain: bool) -> Capability:
    name, label = "self_tests", "Starting SMART self-tests"
    if view.tests_by_api:
        why = "" if view.tests_nvme_by_api else "NVMe drives by smartctl on the host"
        return Capability(name, label, True, f"its {view.dialect} API", why)
    why = "" if plain else "this release has no SMART in its API"
    return Capability(name, label, True, "smartctl on the host", why, by_shell=True)


def of(system: System) -> tuple[Capability, ...]:
    """As kept on its row; what needs a shell that doesn't answer doesn't work. Empty until it has
    answered once.
    """
    found = tuple(Capability(**each) for each in system.capabilities)
    if not system.host_error:
        return found
    why = f"its shell doesn’t answer: {system.host_error}"
    return tuple(replace(one, works=False, why=why) if one.by_shell else one for one in found)


def as_json(capabilities: tuple[Capability, ...]) -> list[dict[str, object]]:
    return [asdict(one) for one in capabilities]
