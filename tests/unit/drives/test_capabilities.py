"""What a system can do, by which way, and why not, as its last answer showed it."""

from __future__ import annotations

from dataclasses import replace

from drives import capabilities
from drives.capabilities import Capability
from drives.models import System
from drives.truenas.types import NasView

VIEW = NasView("TrueNAS-13.0-U6.8", (), {}, {}, {"ada0": 31}, (), "CORE 13.0", "REST")


def able(view: NasView, kind: str = "truenas") -> dict[str, Capability]:
    return {one.name: one for one in capabilities.assess(System(kind=kind), view)}


def test_core_tells_no_exported_pools_and_tests_no_nvme() -> None:
    found = able(replace(VIEW, tests_by_api=True))
    assert all(one.works for one in found.values())
    exported = found["exported_pools"]
    assert exported.by_shell and "labels on the drive" in exported.why
    starting = found["self_tests"]
    assert (starting.how, starting.by_shell) == ("its REST API", False)
    assert starting.why == "NVMe drives by smartctl on the host"


def test_24_10_does_both_by_its_api() -> None:
    more = replace(VIEW, tells_exported=True, tests_by_api=True, tests_nvme_by_api=True)
    found = able(more)
    assert (found["exported_pools"].how, found["exported_pools"].why) == ("its REST API", "")
    assert found["self_tests"].why == ""


def test_25_10_has_no_smart_in_its_api() -> None:
    found = able(replace(VIEW, dialect="JSON-RPC", tells_exported=True))
    assert found["drives"].how == "its JSON-RPC API"
    assert found["self_tests"].by_shell
    assert found["self_tests"].why == "this release has no SMART in its API"


def test_a_plain_host_has_its_shell_alone() -> None:
    found = able(replace(VIEW, dialect="agent"), System.Kind.HOST)
    assert all(one.by_shell for one in found.values())
    assert not any(one.why for one in found.values())


def test_temperatures_that_it_does_not_tell_are_said_and_those_not_asked_for_stay() -> None:
    silent = able(replace(VIEW, temperatures={}))["temperatures"]
    assert (silent.works, silent.why) == (False, "it tells none just now")
    for works in (True, False):
        before = [{"name": "temperatures", "label": "", "works": works, "how": ""}]
        view = replace(VIEW, temperatures={}, asked_temperatures=False)
        kept = capabilities.assess(System(capabilities=before), view)
        assert {one.name: one.works for one in kept}["temperatures"] is works


def test_what_needs_a_shell_that_does_not_answer_does_not_work() -> None:
    system = System(kind="truenas")
    system.capabilities = capabilities.as_json(capabilities.assess(system, VIEW))
    assert all(one.works for one in capabilities.of(system))
    system.host_error = "connection refused"
    told = {one.name: (one.works, one.why) for one in capabilities.of(system)}
    assert told["drives"] == (True, "")
    assert told["surface"] == (False, "its shell doesn’t answer: connection refused")
    assert capabilities.of(System()) == (), "it has never answered"
